// The root audit names objects that only a stack holds, with their kind and the function; and says nothing of
// those that are rooted.

#include <atomic>
#include <thread>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/forked_child.h"

// What an embedder's functions do right and wrong; visible, so that the audit can name them. The assembly keeps the
// variable until then, in a register or on the stack.
#define ACRE_TEST_KEEP(variable) asm volatile("" : "+r"(variable) : : "memory")

namespace acre::test {

struct Lines {
  acre_heap* of = nullptr;
  acre_status status = ACRE_E_STATE;
  size_t count = 77;
  std::vector<std::string> lines;
};

void append_line(const char* line, void* to) {
  static_cast<std::vector<std::string>*>(to)->emplace_back(line);
}

}  // namespace acre::test

extern "C" {

using CollectFn = void (*)(void* arg);

__attribute__((noinline, visibility("default"))) void* forgets_to_root(acre_thread* thread,
                                                                       acre_kind kind,
                                                                       CollectFn collect,
                                                                       void* arg) {
  void* object = acre_alloc(thread, 48, kind);
  *static_cast<uint64_t*>(object) = 0xfeed;
  ACRE_TEST_KEEP(object);
  collect(arg);
  ACRE_TEST_KEEP(object);
  return nullptr;
}

__attribute__((noinline, visibility("default"))) void* roots_what_it_uses(acre_thread* thread,
                                                                          acre_kind kind,
                                                                          CollectFn collect,
                                                                          void* arg) {
  acre_local local = {nullptr, acre_alloc(thread, 48, kind)};
  acre_local_push(thread, &local);
  void* object = local.object;
  *static_cast<uint64_t*>(object) = 0xfeed;
  ACRE_TEST_KEEP(object);
  collect(arg);
  ACRE_TEST_KEEP(object);
  (void)acre_local_pop(thread, &local);
  return nullptr;
}

// Holds it on its own stack frame, by an address in it, above the frame of one that holds nothing.
__attribute__((noinline, visibility("default"))) void* keeps_a_pointer_into_it(acre_thread* thread,
                                                                               acre_kind kind,
                                                                               CollectFn collect,
                                                                               void* arg) {
  void* volatile inside[8] = {};
  inside[3] = static_cast<char*>(acre_alloc(thread, 48, kind)) + 17;
  roots_what_it_uses(thread, kind, collect, arg);
  return inside[3];
}

// Calls the audit itself: the object is in a register, or Acre has saved that.
__attribute__((noinline, visibility("default"))) void* audits_without_a_root(acre_thread* thread,
                                                                             acre_kind kind,
                                                                             CollectFn, void* arg) {
  void* object = acre_alloc(thread, 48, kind);
  *static_cast<uint64_t*>(object) = 0xfeed;
  ACRE_TEST_KEEP(object);
  auto& audited = *static_cast<acre::test::Lines*>(arg);
  audited.status =
      acre_audit_roots(audited.of, &acre::test::append_line, &audited.lines, &audited.count);
  ACRE_TEST_KEEP(object);
  return nullptr;
}

__attribute__((noinline, visibility("default"))) void* blocks_without_a_root(acre_thread* thread,
                                                                             acre_kind kind,
                                                                             CollectFn wait,
                                                                             void* arg) {
  void* object = acre_alloc(thread, 48, kind);
  *static_cast<uint64_t*>(object) = 0xfeed;
  ACRE_TEST_KEEP(object);
  acre_blocking_begin(thread);
  wait(arg);
  acre_blocking_end(thread);
  ACRE_TEST_KEEP(object);
  return nullptr;
}

}  // extern "C"

namespace acre::test {
namespace {

using EmbeddersFn = void* (*)(acre_thread*, acre_kind, CollectFn, void*);

struct Audited : PreciseHeap, Lines {
  Audited() {
    of = heap;
    const acre_kind_info info = {sizeof(info), "value", nullptr, nullptr, 0, ACRE_KIND_HAS_HEADER};
    BOOST_REQUIRE(acre_kind_register(heap, &info, &kind) == ACRE_OK);
  }

  static void audit(void* arg) {
    auto& self = *static_cast<Lines*>(arg);
    self.status = acre_audit_roots(self.of, &append_line, &self.lines, &self.count);
  }
  // What the audit says within the function.
  const std::vector<std::string>& lines_within(EmbeddersFn fn) {
    lines.clear();
    scrub_stack();
    fn(thread, kind, &audit, static_cast<Lines*>(this));
    BOOST_TEST(status == ACRE_OK);
    BOOST_TEST(count == lines.size());
    return lines;
  }

  acre_kind kind = ACRE_KIND_NONE;
};

// What the embedder's functions call: functions, because a lambda is two where it is not optimised.
void collects(void* thread) { acre_collect(static_cast<acre_thread*>(thread)); }

void yields(void* fiber) { acre_fiber_yield(static_cast<acre_fiber*>(fiber), nullptr); }

struct Shared {
  acre_heap* heap;
  acre_thread* thread = nullptr;
  std::atomic<int> step{0};
};

void waits_polling(void* arg) {
  auto& state = *static_cast<Shared*>(arg);
  state.step = 1;
  while (state.step != 2) acre_safepoint(state.thread);
}

void waits(void* arg) {
  auto& state = *static_cast<Shared*>(arg);
  state.step = 1;
  while (state.step != 2) std::this_thread::yield();
}

// Sanitizers leave large gaps in frames, where addresses of calls that returned still are, and scrub_stack scrubs
// another stack. In a build with our checks more functions than these lie between.
#if ACRE_TEST_SHADOW_MEMORY || defined(ACRE_DEBUG)
constexpr bool kExactFrames = false;
#else
constexpr bool kExactFrames = true;
#endif

// Whether the line says that the function holds an object, or that one does which it called and which may have
// saved its registers.
bool names(const std::string& line, const std::string& function) {
  return contains(line, " in " + function + "+") ||
         contains(line, " called from " + function + "+") || !kExactFrames;
}

int lines_that_name(const std::vector<std::string>& lines, const std::string& function) {
  int count = 0;
  for (const std::string& line : lines) {
    if (!names(line, function)) continue;
    ++count;
    BOOST_TEST(contains(line, "only a stack holds the object 0x"), line);
    BOOST_TEST(contains(line, " of kind value, header 0x"), line);
  }
  return count;
}

BOOST_AUTO_TEST_SUITE(root_audit)

BOOST_FIXTURE_TEST_CASE(an_object_without_a_root_is_found_with_kind_and_function, Audited) {
  const std::vector<std::string>& found = lines_within(&forgets_to_root);
  BOOST_TEST(found.size() == 1u);
  BOOST_TEST(lines_that_name(found, "forgets_to_root") == 1);
  BOOST_TEST(contains(found.at(0), "header 0xfeed: the slot 0x"), found.at(0));
  BOOST_TEST(contains(found.at(0), ", thread "), found.at(0));
}

BOOST_FIXTURE_TEST_CASE(registers_of_acres_caller_count_as_its_own, Audited) {
  const std::vector<std::string>& found = lines_within(&audits_without_a_root);
  BOOST_TEST(found.size() == 1u);
  if (kExactFrames) BOOST_TEST(contains(found.at(0), " in audits_without_a_root+0x"), found.at(0));
}

BOOST_FIXTURE_TEST_CASE(of_rooted_objects_nothing_is_said, Audited) {
  BOOST_TEST(lines_within(&roots_what_it_uses).empty());
  collect();
  BOOST_TEST(lines_within(&roots_what_it_uses).empty());
}

BOOST_FIXTURE_TEST_CASE(an_address_within_it_counts_and_the_frame_is_the_right_one, Audited) {
  const std::vector<std::string>& found = lines_within(&keeps_a_pointer_into_it);
  BOOST_TEST(found.size() == 1u);
  if (kExactFrames)
    BOOST_TEST(contains(found.at(0), " in keeps_a_pointer_into_it+0x"), found.at(0));
}

BOOST_FIXTURE_TEST_CASE(other_threads_and_blocking_regions_are_looked_at, Audited) {
  for (const EmbeddersFn fn :
       {EmbeddersFn{&blocks_without_a_root}, EmbeddersFn{&forgets_to_root}}) {
    Shared shared{heap};
    std::thread other([&shared, fn, this] {
      acre_thread_attach(shared.heap, &shared.thread);
      scrub_stack();
      fn(shared.thread, kind, fn == &forgets_to_root ? &waits_polling : &waits, &shared);
      acre_thread_detach(shared.thread);
    });
    while (shared.step != 1) std::this_thread::yield();
    lines.clear();
    audit(static_cast<Lines*>(this));
    shared.step = 2;
    acre_blocking_begin(thread);
    other.join();
    acre_blocking_end(thread);
    BOOST_TEST(status == ACRE_OK);
    const char* name = fn == &forgets_to_root ? "forgets_to_root" : "blocks_without_a_root";
    BOOST_TEST(lines_that_name(lines, name) == 1);
  }
}

BOOST_FIXTURE_TEST_CASE(so_are_suspended_fibers_and_those_that_run, Audited) {
  acre_fiber* fiber = nullptr;
  const auto body = [](acre_fiber* self, void*) -> void* {
    auto* audited = static_cast<Audited*>(acre_fiber_data(self));
    forgets_to_root(acre_fiber_thread(self), audited->kind, &yields, self);
    // Once more, running.
    return forgets_to_root(acre_fiber_thread(self), audited->kind, &Audited::audit,
                           static_cast<Lines*>(audited));
  };
  BOOST_REQUIRE(acre_fiber_new(thread, 0, body, nullptr, &fiber) == ACRE_OK);
  acre_fiber_set_data(fiber, this);
  const Handle root(thread, fiber);
  acre_fiber_resume(thread, fiber, nullptr);
  scrub_stack();
  audit(static_cast<Lines*>(this));
  BOOST_TEST(lines_that_name(lines, "forgets_to_root") == 1);
  BOOST_TEST(contains(lines.at(0), ", a suspended fiber"), lines.at(0));
  lines.clear();
  acre_fiber_resume(thread, fiber, nullptr);
  BOOST_TEST(acre_fiber_done(fiber) == 1);
  BOOST_TEST(lines_that_name(lines, "forgets_to_root") == 1);
  for (const std::string& line : lines) BOOST_TEST(!contains(line, "suspended"), line);
}

BOOST_AUTO_TEST_CASE(with_the_option_each_collection_tells_each_function_and_kind_once) {
  const ChildEnd end = in_forked_child([] {
    acre_options options = precise_options();
    options.audit_roots = 1;
    acre_heap* heap = nullptr;
    acre_thread* thread = nullptr;
    if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
    acre_thread_attach(heap, &thread);
    for (int i = 0; i < 5; ++i) {
      forgets_to_root(thread, ACRE_KIND_LEAF, &collects, thread);
      forgets_to_root(thread, ACRE_KIND_CONSERVATIVE, &collects, thread);
      roots_what_it_uses(thread, ACRE_KIND_LEAF, &collects, thread);
    }
    return 0;
  });
  BOOST_TEST(end.exited_with(0), end.stderr_text);
  const std::string& text = end.stderr_text;
  for (const std::string kind : {"leaf", "conservative"}) {
    size_t lines = 0;
    const std::string start = "acre: audit_roots: only a stack holds the object ";
    for (size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
      const std::string line = text.substr(at, text.find('\n', at) - at);
      if (contains(line, " of kind " + kind + ":") && names(line, "forgets_to_root")) ++lines;
    }
    BOOST_TEST(lines == 1u, text);
  }
  BOOST_TEST(!contains(text, "roots_what_it_uses"), text);
}

BOOST_AUTO_TEST_CASE(there_is_nothing_to_audit_where_stacks_are_scanned) {
  StackHeap heap;
  size_t count = 77;
  BOOST_TEST(acre_audit_roots(heap.heap, nullptr, nullptr, &count) == ACRE_E_STATE);
  BOOST_TEST(count == 0u);
  BOOST_TEST(acre_audit_roots(nullptr, nullptr, nullptr, nullptr) == ACRE_E_INVALID);
  PreciseHeap precise;
  BOOST_TEST(acre_audit_roots(precise.heap, nullptr, nullptr, nullptr) == ACRE_OK);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
