/* A program as an embedder writes it: C11, only <acre/acre.h>, built outside the tree against an
 * installed Acre. It keeps a list of nodes through collections and lets the rest go. */
#include <acre/acre.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

struct node {
  struct node* next;
  char* text;
  size_t number;
};

enum { NODES = 10000 };

static void trace_node(void* object, size_t size, acre_visitor* visitor) {
  struct node* node = object;
  (void)size;
  acre_visit(visitor, (void**)&node->next);
  acre_visit(visitor, (void**)&node->text);
}

static void complain(const char* line, void* arg) {
  (void)arg;
  fprintf(stderr, "%s\n", line);
}

static struct node* push(acre_thread* thread, acre_kind kind, struct node* list, size_t number) {
  struct node* node = acre_alloc(thread, sizeof *node, kind);
  EXPECT(node != NULL && node->next == NULL && node->text == NULL);
  acre_store(thread, node, (void**)&node->text, acre_alloc(thread, 32, ACRE_KIND_LEAF));
  EXPECT(node->text != NULL);
  sprintf(node->text, "node %zu", number);
  node->number = number;
  acre_store(thread, node, (void**)&node->next, list);
  return node;
}

static void check(const struct node* list, size_t count) {
  char text[32];
  for (size_t number = count; number-- > 0; list = list->next) {
    EXPECT(list != NULL && list->number == number);
    sprintf(text, "node %zu", number);
    EXPECT(strcmp(list->text, text) == 0);
  }
  EXPECT(list == NULL);
}

static int count_object(void* object, size_t size, acre_kind kind, void* arg) {
  (void)object, (void)size, (void)kind;
  ++*(size_t*)arg;
  return 0;
}

static void* allocate_on_another_thread(void* heap) {
  acre_thread* thread;
  EXPECT(acre_thread_attach(heap, &thread) == ACRE_OK);
  for (int i = 0; i < 100000; ++i) EXPECT(acre_alloc(thread, 48, ACRE_KIND_CONSERVATIVE) != NULL);
  EXPECT(acre_thread_detach(thread) == ACRE_OK);
  return NULL;
}

static void check_answers_to_mistakes(acre_heap* heap, acre_thread* thread) {
  int foreign;
  void* empty = acre_alloc(thread, 0, ACRE_KIND_LEAF);
  EXPECT(empty != NULL && empty != acre_alloc(thread, 0, ACRE_KIND_LEAF));
  EXPECT(acre_alloc(thread, SIZE_MAX, ACRE_KIND_LEAF) == NULL);
  EXPECT(acre_last_error(thread) == ACRE_E_NOMEM);
  EXPECT(acre_alloc(thread, 16, 200) == NULL);
  EXPECT(acre_last_error(thread) == ACRE_E_INVALID);
  EXPECT(acre_alloc_aligned(thread, 16, 48, ACRE_KIND_LEAF) == NULL);
  EXPECT(acre_object_base(heap, &foreign) == NULL);
  EXPECT(acre_object_size(heap, &foreign) == 0);
  EXPECT(acre_strerror(ACRE_E_ADDRESS_SPACE)[0] != '\0');
}

static acre_heap* create_heap(void) {
  acre_heap* heap;
  acre_options options;
  acre_options_init(&options);
  options.struct_size = sizeof options;
  options.reserve_bytes = (size_t)1 << 30;
  EXPECT(acre_heap_create(&options, &heap) == ACRE_OK);
  return heap;
}

static acre_handle* grow(acre_heap* heap, acre_thread* thread) {
  acre_kind kind;
  acre_kind_info info = {.struct_size = sizeof info, .name = "node", .trace = trace_node};
  EXPECT(acre_kind_register(heap, &info, &kind) == ACRE_OK);
  acre_handle* root = acre_handle_new(thread, NULL);
  EXPECT(root != NULL);
  for (size_t i = 0; i < NODES; ++i) {
    acre_handle_set(root, push(thread, kind, acre_handle_get(root), i));
    EXPECT(acre_alloc(thread, 1 + i % 5000, ACRE_KIND_LEAF) != NULL); /* garbage */
  }
  return root;
}

static void collect_beside_another_thread(acre_heap* heap, acre_thread* thread) {
  pthread_t other;
  EXPECT(pthread_create(&other, NULL, allocate_on_another_thread, heap) == 0);
  for (int i = 0; i < 5; ++i) acre_collect(thread);
  acre_blocking_begin(thread);
  EXPECT(pthread_join(other, NULL) == 0);
  acre_blocking_end(thread);
}

static void check_stats(acre_heap* heap) {
  acre_stats stats = {.struct_size = sizeof stats};
  acre_stats_read(heap, &stats);
  EXPECT(stats.mallocs - stats.frees == stats.live_objects);
  EXPECT(stats.heap_sys == stats.heap_idle + stats.heap_inuse);
  EXPECT(stats.num_gc >= 7 && stats.reserved > 0);
  EXPECT(stats.frees > 50000); /* most of the garbage: a stack may happen to point at some */
  size_t walked = 0;
  EXPECT(acre_heap_walk(heap, count_object, &walked) == ACRE_OK);
  EXPECT(walked == stats.live_objects);
}

int main(void) {
  acre_thread* thread;
  acre_heap* heap = create_heap();
  EXPECT(acre_thread_attach(heap, &thread) == ACRE_OK);
  EXPECT(acre_thread_current(heap) == thread);

  acre_handle* root = grow(heap, thread);
  acre_collect(thread);
  check(acre_handle_get(root), NODES);
  collect_beside_another_thread(heap, thread);
  acre_collect(thread);
  check(acre_handle_get(root), NODES);
  EXPECT(acre_verify(heap, complain, NULL) == ACRE_OK);
  check_answers_to_mistakes(heap, thread);

  acre_handle_drop(root);
  acre_release_memory(thread);
  check_stats(heap);
  EXPECT(acre_thread_detach(thread) == ACRE_OK);
  EXPECT(acre_heap_destroy(heap) == ACRE_OK);
  puts("ok");
  return 0;
}
