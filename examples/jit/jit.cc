// Generated code that allocates from the heap without a call: acre/jit.h tells where the gaps of a thread are, and
// list_code.cc makes of that the machine code of a function, which is then run.
//
//   jit [NODES]      the list's length, 1,000,000 if not given
#include <acre/jit.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "examples/jit/list_code.h"

namespace {

using jit::Node;

// The values count down.
bool is_right(const Node* list, uint64_t count) {
  for (uint64_t value = count; value != 0; --value, list = list->next) {
    if (list == nullptr || list->value != value) return false;
  }
  return list == nullptr;
}

template <class Make>
bool run(const char* by, acre_heap* heap, uint64_t count, Make make) {
  acre_stats before{};
  acre_stats after{};
  acre_stats_read(heap, &before);
  const auto start = std::chrono::steady_clock::now();
  const Node* list = make();
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  acre_stats_read(heap, &after);
  const bool right = is_right(list, count);
  std::printf("%s: %" PRIu64 " nodes, %.1f ns each, %" PRIu64 " collections meanwhile: %s\n", by,
              count, spent.count() / static_cast<double>(count), after.num_gc - before.num_gc,
              right ? "every node is there" : "the list is WRONG");
  return right;
}

bool run_all(acre_heap* heap, acre_thread* thread, acre_kind kind, uint64_t count) {
  acre_jit_facts facts{};
  facts.struct_size = sizeof(facts);
  if (acre_jit_facts_read(&facts) != ACRE_OK || facts.version != ACRE_JIT_VERSION) {
    std::fprintf(stderr, "jit: the library's facts are of another version\n");
    return false;
  }
  const jit::Code code = jit::generate(facts, kind);
  bool right = true;
  if (code.make_list != nullptr) {
    std::printf("%zu bytes of machine code\n", code.bytes);
    right &= run("generated code", heap, count, [&] { return code.make_list(thread, count); });
  } else {
    std::printf("no machine code: not for this processor, or not allowed\n");
  }
  right &= run("the facts in C++", heap, count,
               [&] { return jit::interpret(facts, kind, thread, count); });
  return right && acre_verify(heap, nullptr, nullptr) == ACRE_OK;
}

}  // namespace

int main(int argc, char** argv) {
  char* end = nullptr;
  const uint64_t count = argc > 1 ? std::strtoull(argv[1], &end, 10) : 1'000'000;
  if (argc > 2 || count == 0 || (end != nullptr && *end != 0)) {
    std::fprintf(stderr, "usage: jit [NODES]\n");
    return 2;
  }
  acre_heap* heap = nullptr;
  acre_thread* thread = nullptr;
  if (acre_heap_create(nullptr, &heap) != ACRE_OK) return 1;
  if (acre_thread_attach(heap, &thread) != ACRE_OK) return 1;
  const uint8_t first_word = 1;
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  info.name = "node";
  info.pointer_bitmap = &first_word;
  info.element_words = sizeof(Node) / sizeof(void*);
  acre_kind kind = ACRE_KIND_NONE;
  if (acre_kind_register(heap, &info, &kind) != ACRE_OK) return 1;
  const bool right = run_all(heap, thread, kind, count);
  acre_thread_detach(thread);
  return acre_heap_destroy(heap) == ACRE_OK && right ? 0 : 1;
}
