/* The header as a C11 program sees it, compiled with -pedantic-errors: its own example, and each inline
 * function and macro. header_test.cc calls it. */

#include <acre/acre.h>
#include <acre/jit.h>
#include <stdio.h>
#include <string.h>

_Static_assert(ACRE_OK == 0, "success is zero");
_Static_assert(sizeof(acre_kind) == 4, "a kind is 32 bits");
_Static_assert(ACRE_NO_LIMIT == SIZE_MAX, "no limit is the largest size");
_Static_assert(sizeof(acre_stats) % 8 == 0, "counters are 64 bits");
_Static_assert(sizeof(acre_jit_facts) % 8 == 0, "facts are whole words");
_Static_assert(sizeof(struct acre_thread_inline) == 24, "two words of 32 bits and two pointers");

/* What each function returns when all is well. */
static const char* const kFine = "fine";

const char* example_of_the_header(void);
const char* kinds_and_stats_from_c(void);

const char* example_of_the_header(void) {
  acre_heap* heap;
  if (acre_heap_create(NULL, &heap) != ACRE_OK) return "create";
  acre_thread* thread;
  if (acre_thread_attach(heap, &thread) != ACRE_OK) return "attach";
  void** cell = acre_alloc(thread, 16, ACRE_KIND_CONSERVATIVE);
  if (cell == NULL || cell[0] != NULL || cell[1] != NULL) return "alloc";
  acre_store(thread, cell, &cell[0], cell);
  acre_collect(thread);
  if (acre_object_base(heap, cell) != cell || cell[0] != (void*)cell) return "the stack keeps it";
  if (acre_thread_detach(thread) != ACRE_OK) return "detach";
  if (acre_heap_destroy(heap) != ACRE_OK) return "destroy";
  return kFine;
}

struct pair {
  struct pair* first;
  uint64_t number;
};

static void trace_pair(void* object, size_t size, acre_visitor* visitor) {
  struct pair* pair = object;
  (void)size;
  acre_visit(visitor, (void**)(void*)&pair->first);
}

static int count_objects(void* object, size_t size, acre_kind kind, void* arg) {
  (void)object;
  (void)size;
  (void)kind;
  ++*(int*)arg;
  return 0;
}

const char* kinds_and_stats_from_c(void) {
  acre_options options;
  acre_options_init(&options);
  options.conservative_stacks = 0;
  options.gc_percent = -1;
  options.reserve_bytes = (size_t)1 << 30;
  acre_heap* heap;
  if (acre_heap_create(&options, &heap) != ACRE_OK) return "create";
  acre_thread* thread;
  if (acre_thread_attach(heap, &thread) != ACRE_OK) return "attach";
  if (acre_thread_current(heap) != thread) return "current";

  const acre_kind_info info = {.struct_size = sizeof info, .name = "pair", .trace = trace_pair};
  acre_kind kind;
  if (acre_kind_register(heap, &info, &kind) != ACRE_OK) return "register";

  acre_local local = {NULL, NULL};
  acre_local_push(thread, &local);
  for (uint64_t i = 0; i < 1000; ++i) {
    struct pair* pair = acre_alloc(thread, sizeof *pair, kind);
    if (pair == NULL) return "alloc";
    pair->number = i;
    acre_store(thread, pair, (void**)(void*)&pair->first, local.object);
    local.object = pair;
    acre_safepoint(thread);
    if (acre_alloc(thread, 16, ACRE_KIND_LEAF) == NULL) return "garbage";
  }
  acre_collect(thread);
  int objects = 0;
  if (acre_heap_walk(heap, count_objects, &objects) != ACRE_OK || objects != 1000) return "walk";
  acre_stats stats = {.struct_size = sizeof stats};
  acre_stats_read(heap, &stats);
  if (stats.live_objects != 1000 || stats.num_gc != 1) return "stats";
  uint64_t expected = 1000;
  for (const struct pair* pair = local.object; pair != NULL; pair = pair->first) {
    if (pair->number != --expected) return "content";
  }
  if (expected != 0) return "length";
  if (acre_verify(heap, NULL, NULL) != ACRE_OK) return "verify";
  if (acre_local_pop(thread, &local) != ACRE_OK) return "pop";
  if (acre_alloc(thread, SIZE_MAX, kind) != NULL) return "too large";
  if (strlen(acre_strerror(acre_last_error(thread))) == 0) return "strerror";
  if (acre_heap_destroy(heap) != ACRE_OK) return "destroy";
  return kFine;
}
