/* A program that loads the library, uses it, and closes it again: handlers of signals and forks stay behind. */

#include <acre/acre.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET(name) __typeof__(&name) my_##name = (__typeof__(&name))dlsym(library, #name)

int main(int argc, char** argv) {
  void* library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library == NULL) return 1;
  GET(acre_heap_create);
  GET(acre_thread_attach_as);
  GET(acre_collect);
  GET(acre_thread_detach);
  GET(acre_heap_destroy);
  acre_heap* heap;
  acre_thread* thread;
  if (my_acre_heap_create(NULL, &heap) != ACRE_OK) return 2;
  if (my_acre_thread_attach_as(heap, ACRE_THREAD_UNCOOPERATIVE, &thread) != ACRE_OK) return 3;
  my_acre_collect(thread);
  if (my_acre_thread_detach(thread) != ACRE_OK) return 4;
  if (my_acre_heap_destroy(heap) != ACRE_OK) return 5;
  if (dlclose(library) != 0) return 6;
  if (raise(SIGURG) != 0) return 7;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = -1;
  if (waitpid(child, &status, 0) != child || status != 0) return 8;
  puts("closed");
  return 0;
}
