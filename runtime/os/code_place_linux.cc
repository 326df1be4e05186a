// code_place.h on Linux.

#include "runtime/os/code_place.h"

#include <dlfcn.h>
#include <unistd.h>

#include "runtime/os/errno_keeper.h"

namespace acre::rt {

CodePlace find_code(uintptr_t program_counter) {
  CodePlace place;
  Dl_info info;
  if (program_counter == 0 || dladdr(reinterpret_cast<const void*>(program_counter), &info) == 0) {
    return place;
  }
  place.module = info.dli_fname;
  place.symbol = info.dli_sname;
  const void* base = info.dli_sname != nullptr ? info.dli_saddr : info.dli_fbase;
  place.offset = program_counter - reinterpret_cast<uintptr_t>(base);
  return place;
}

void thread_name(pthread_t thread, char (&name)[kThreadNameBytes]) {
  const ErrnoKeeper errno_keeper;
  if (pthread_getname_np(thread, name, sizeof(name)) != 0) name[0] = 0;
}

int64_t current_thread_number() { return gettid(); }

}  // namespace acre::rt
