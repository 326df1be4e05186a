// Conservative stacks: what a register or a word on the stack keeps alive.
//
// Objects are made where their address is only kept disguised (all bits flipped), and the stack is
// scrubbed; a control shows that such objects do go. So what survives does so by the reference that the
// test names.

#include <pthread.h>

#include "test/gc/api/heap_fixture.h"

#if defined(__x86_64__)

// collect_with_only_<reg>(thread, disguised address, collect): holds the address in this callee-saved
// register, and nowhere else, while collect(thread) runs; returns it disguised again.
#define HOLD_IN(reg)                   \
  asm(".text\n"                        \
      ".globl collect_with_only_" #reg \
      "\n"                             \
      "collect_with_only_" #reg        \
      ":\n"                            \
      "  pushq %" #reg                 \
      "\n"                             \
      "  movq %rsi, %" #reg            \
      "\n"                             \
      "  notq %" #reg                  \
      "\n"                             \
      "  callq *%rdx\n"                \
      "  movq %" #reg                  \
      ", %rax\n"                       \
      "  notq %rax\n"                  \
      "  popq %" #reg                  \
      "\n"                             \
      "  retq\n");                     \
  extern "C" uintptr_t collect_with_only_##reg(acre_thread*, uintptr_t, void (*)(acre_thread*));

// As that, and the thread is in a blocking region, entered with the register as the only holder, while
// work() runs on.
#define HOLD_BLOCKED_IN(reg)          \
  asm(".text\n"                       \
      ".globl block_with_only_" #reg  \
      "\n"                            \
      "block_with_only_" #reg         \
      ":\n"                           \
      "  pushq %" #reg                \
      "\n"                            \
      "  pushq %rdi\n"                \
      "  pushq %rdx\n"                \
      "  movq %rsi, %" #reg           \
      "\n"                            \
      "  xorl %esi, %esi\n"           \
      "  notq %" #reg                 \
      "\n"                            \
      "  callq acre_blocking_begin\n" \
      "  notq %" #reg                 \
      "\n"                            \
      "  callq *(%rsp)\n"             \
      "  movq 8(%rsp), %rdi\n"        \
      "  callq acre_blocking_end\n"   \
      "  movq %" #reg                 \
      ", %rax\n"                      \
      "  popq %rdx\n"                 \
      "  popq %rdi\n"                 \
      "  popq %" #reg                 \
      "\n"                            \
      "  retq\n");                    \
  extern "C" uintptr_t block_with_only_##reg(acre_thread*, uintptr_t, void (*)());

HOLD_IN(rbx)
HOLD_IN(rbp)
HOLD_IN(r12)
HOLD_IN(r13)
HOLD_IN(r14)
HOLD_IN(r15)
HOLD_BLOCKED_IN(rbx)
HOLD_BLOCKED_IN(rbp)
HOLD_BLOCKED_IN(r12)
HOLD_BLOCKED_IN(r13)
HOLD_BLOCKED_IN(r14)
HOLD_BLOCKED_IN(r15)

#endif

namespace acre::test {
namespace {

constexpr unsigned char kContent = 0x3c;

// An address that a scan does not recognise.
struct Disguised {
  uintptr_t bits;
  void* plain() const { return reinterpret_cast<void*>(~bits); }
};

// A word in the frame of the function that declares it, gone at its end.
class OnStack {
 public:
  explicit OnStack(const void* word) : word_(word) {}
  ~OnStack() { word_ = nullptr; }

 private:
  const void* volatile word_;
};

struct Hiding : StackHeap {
  [[gnu::noinline]] Disguised hidden_object(size_t bytes, acre_kind kind = ACRE_KIND_LEAF) {
    void* object = alloc(bytes, kind);
    memset(object, kContent, bytes);
    const Disguised result{~reinterpret_cast<uintptr_t>(object)};
    return result;
  }
  Disguised make(size_t bytes, acre_kind kind = ACRE_KIND_LEAF) {
    const Disguised object = hidden_object(bytes, kind);
    scrub_stack();
    return object;
  }
  [[gnu::noinline]] bool is_alive(Disguised object) const {
    return acre_object_base(heap, object.plain()) == object.plain();
  }
  [[gnu::noinline]] bool is_intact(Disguised object, size_t bytes) const {
    if (!is_alive(object)) return false;
    const auto* at = static_cast<const unsigned char*>(object.plain());
    for (size_t i = 0; i < bytes; ++i) {
      if (at[i] != kContent) return false;
    }
    return true;
  }
};

BOOST_AUTO_TEST_SUITE(stack)

BOOST_FIXTURE_TEST_CASE(what_nothing_on_the_stack_refers_to_goes, Hiding) {
  std::vector<Disguised> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(make(64));
  scrub_stack();
  collect();
  int alive = 0;
  for (Disguised object : objects) alive += is_alive(object) ? 1 : 0;
  BOOST_TEST(alive <= 5);
  std::vector<Disguised> large;
  for (int i = 0; i < 100; ++i) large.push_back(make(100000));
  collect();
  alive = 0;
  for (Disguised object : large) alive += is_alive(object) ? 1 : 0;
  BOOST_TEST(alive <= 5);
}

BOOST_FIXTURE_TEST_CASE(a_local_variable_keeps_its_object, Hiding) {
  for (size_t bytes : {16, 64, 1000, 100000}) {
    const Disguised object = make(bytes);
    const OnStack local(object.plain());
    scrub_stack();
    collect();
    BOOST_TEST(is_intact(object, bytes));
  }
}

BOOST_FIXTURE_TEST_CASE(an_interior_pointer_keeps_its_object, Hiding) {
  for (size_t bytes : {16, 64, 1000, 32768, 1000000}) {
    for (size_t at : {size_t{1}, bytes / 2 + 3, bytes - 1}) {
      const Disguised object = make(bytes);
      const OnStack interior(static_cast<char*>(object.plain()) + at);
      scrub_stack();
      collect();
      BOOST_TEST(is_intact(object, bytes));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_pointer_one_past_the_end_keeps_its_object, Hiding) {
  for (size_t bytes : {16, 64, 1024, 8192, 32768, 65536}) {
    int kept = 0;
    for (int i = 0; i < 10; ++i) {
      const Disguised object = make(bytes);
      const OnStack end(static_cast<char*>(object.plain()) + bytes);
      scrub_stack();
      collect();
      kept += is_intact(object, bytes) ? 1 : 0;
    }
    BOOST_TEST(kept == 10);
  }
}

BOOST_FIXTURE_TEST_CASE(a_pointer_between_two_objects_keeps_both, Hiding) {
  Disguised before = make(64);
  Disguised after = make(64);
  int tries = 0;
  while (static_cast<char*>(before.plain()) + 64 != after.plain()) {
    BOOST_TEST_REQUIRE(++tries < 1000);
    before = after;
    after = make(64);
  }
  const OnStack between(after.plain());
  scrub_stack();
  collect();
  BOOST_TEST(is_intact(before, 64));
  BOOST_TEST(is_intact(after, 64));
}

BOOST_FIXTURE_TEST_CASE(a_tagged_pointer_keeps_its_object, Hiding) {
  for (uintptr_t tag = 1; tag < 16; ++tag) {
    const Disguised object = make(48);
    const OnStack tagged(reinterpret_cast<void*>(~object.bits | tag));
    scrub_stack();
    collect();
    BOOST_TEST(is_intact(object, 48));
  }
}

BOOST_FIXTURE_TEST_CASE(what_a_kept_object_refers_to_is_kept, Hiding) {
  const Disguised holder = make(64, ACRE_KIND_CONSERVATIVE);
  const Disguised held = make(500);
  static_cast<void**>(holder.plain())[5] = held.plain();
  scrub_stack();
  const OnStack local(holder.plain());
  collect();
  BOOST_TEST(is_alive(holder));
  BOOST_TEST(is_intact(held, 500));
}

BOOST_FIXTURE_TEST_CASE(an_argument_far_up_the_stack_keeps_its_object, Hiding) {
  const Disguised object = make(64);
  struct Deep {
    static void descend(Hiding& heap, int depth) {
      volatile char frame[1000];
      frame[0] = static_cast<char>(depth);
      if (depth == 0) {
        heap.collect();
      } else {
        descend(heap, depth - 1);
      }
      (void)frame[0];
    }
  };
  const OnStack local(object.plain());
  Deep::descend(*this, 500);
  BOOST_TEST(is_intact(object, 64));
}

#if defined(__x86_64__)

BOOST_FIXTURE_TEST_CASE(each_callee_saved_register_keeps_its_object, Hiding) {
  const auto hold_in = [this](auto collect_with_only) {
    const Disguised object = make(64);
    scrub_stack();
    const uintptr_t back = collect_with_only(thread, object.bits, &acre_collect);
    return back == object.bits && is_intact(object, 64);
  };
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(hold_in(&collect_with_only_rbx));
    BOOST_TEST(hold_in(&collect_with_only_rbp));
    BOOST_TEST(hold_in(&collect_with_only_r12));
    BOOST_TEST(hold_in(&collect_with_only_r13));
    BOOST_TEST(hold_in(&collect_with_only_r14));
    BOOST_TEST(hold_in(&collect_with_only_r15));
  }
}

Hiding* the_heap;

void collect_on_another_thread() {
  scrub_stack();
  pthread_t other;
  const auto body = [](void*) -> void* {
    acre_thread* self = nullptr;
    if (acre_thread_attach(the_heap->heap, &self) != ACRE_OK) return nullptr;
    acre_collect(self);
    (void)acre_thread_detach(self);
    return nullptr;
  };
  BOOST_REQUIRE(pthread_create(&other, nullptr, body, nullptr) == 0);
  BOOST_REQUIRE(pthread_join(other, nullptr) == 0);
}

BOOST_FIXTURE_TEST_CASE(registers_of_a_blocked_thread_count_as_they_were_at_begin, Hiding) {
  the_heap = this;
  const auto hold_in = [this](auto block_with_only) {
    const Disguised object = make(64);
    scrub_stack();
    const uint64_t before = stats().num_gc;
    const uintptr_t back = block_with_only(thread, object.bits, &collect_on_another_thread);
    BOOST_TEST(stats().num_gc == before + 1);
    return back == object.bits && is_intact(object, 64);
  };
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(hold_in(&block_with_only_rbx));
    BOOST_TEST(hold_in(&block_with_only_rbp));
    BOOST_TEST(hold_in(&block_with_only_r12));
    BOOST_TEST(hold_in(&block_with_only_r13));
    BOOST_TEST(hold_in(&block_with_only_r14));
    BOOST_TEST(hold_in(&block_with_only_r15));
  }
}

// The frames of what runs in the region are below the stack as it stood at begin.
[[gnu::noinline]] void collect_with_a_reference_below(uintptr_t disguised) {
  const OnStack local(reinterpret_cast<void*>(~disguised));
  collect_on_another_thread();
}

BOOST_FIXTURE_TEST_CASE(frames_deeper_than_a_blocking_region_are_not_scanned, Hiding) {
  the_heap = this;
  int gone = 0;
  for (int i = 0; i < 20; ++i) {
    const Disguised object = make(64);
    acre_blocking_begin(thread);
    collect_with_a_reference_below(object.bits);
    acre_blocking_end(thread);
    gone += is_alive(object) ? 0 : 1;
  }
  BOOST_TEST(gone >= 18);
}

BOOST_FIXTURE_TEST_CASE(a_local_of_a_blocked_thread_keeps_its_object, Hiding) {
  the_heap = this;
  const Disguised object = make(64);
  const OnStack local(object.plain());
  acre_blocking_begin(thread);
  collect_on_another_thread();
  acre_blocking_end(thread);
  BOOST_TEST(is_intact(object, 64));
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
