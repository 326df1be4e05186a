// Stacks that overflow, in children: the line that says which fiber it was, and that the signal goes its way as
// if nobody had looked.

#include <signal.h>
#include <sys/mman.h>

#include <boost/context/fiber.hpp>
#include <cinttypes>
#include <thread>

#include <acre/fiber_stack.hpp>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

constexpr const char* kMessage = "acre: stack overflow: ";

// Children have only what they make themselves. No destructors run in them.
struct ChildHeap {
  acre_heap* heap = nullptr;
  acre_thread* thread = nullptr;

  explicit ChildHeap(bool report = true) {
    // As an embedder's process, not a test's or a sanitizer's: both have handlers, and stacks for them.
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    const stack_t none{nullptr, SS_DISABLE, 0};
    sigaltstack(&none, nullptr);
    acre_options options = plain_options();
    options.scavenger = 0;
    options.overflow_report = report ? 1 : 0;
    if (acre_heap_create(&options, &heap) != ACRE_OK) _exit(101);
    if (acre_thread_attach(heap, &thread) != ACRE_OK) _exit(102);
  }
  acre_fiber* make(acre_fiber_fn fn, size_t stack = 16 * kKiB, void* arg = nullptr) const {
    acre_fiber* fiber = nullptr;
    if (acre_fiber_new(thread, stack, fn, arg, &fiber) != ACRE_OK) _exit(103);
    return fiber;
  }
};

void say(const char* text) { (void)!write(STDERR_FILENO, text, strlen(text)); }

[[gnu::noinline]] long descend(long n, volatile char* above) {
  volatile char frame[256];
  frame[0] = above[0];
  // No tail call, and no end that the compiler knows.
  return n < 0 ? n : descend(n + 1, frame) + frame[0];
}
[[gnu::noinline]] void overflow() {
  volatile char frame[1] = {1};
  (void)descend(0, frame);
}
void* overflow_fiber(acre_fiber*, void*) {
  overflow();
  return nullptr;
}
[[gnu::noinline, gnu::no_sanitize("undefined")]] void touch_null() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

bool died_of(const ChildEnd& end, int signal) {
  return WIFSIGNALED(end.status) && WTERMSIG(end.status) == signal;
}

size_t messages(const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(kMessage, at)) != std::string::npos; ++at) ++count;
  return count;
}

BOOST_AUTO_TEST_SUITE(fiber_overflow)

BOOST_AUTO_TEST_CASE(the_message_names_the_fiber_its_stack_and_the_address) {
  for (const size_t stack : {8 * kKiB, 64 * kKiB, kMiB, 64 * kMiB}) {
    // ThreadSanitizer has its own stack of calls, for 64 Ki of them.
    if (ACRE_TEST_SHADOW_MEMORY && stack > kMiB) break;
    const ChildEnd end = in_forked_child([&] {
      const ChildHeap heap;
      acre_fiber* fiber = heap.make(&overflow_fiber, stack);
      acre_fiber_set_name(fiber, "the parser");
      char line[64];
      std::snprintf(line, sizeof(line), "fiber=%" PRIxPTR " bytes=%zu\n",
                    reinterpret_cast<uintptr_t>(fiber), acre_fiber_stack_bytes(fiber));
      say(line);
      (void)acre_fiber_resume(heap.thread, fiber, nullptr);
      return 0;
    });
    BOOST_TEST_CONTEXT(end.stderr_text) {
      BOOST_TEST(died_of(end, SIGSEGV));
      BOOST_TEST(messages(end.stderr_text) == 1u);
      uintptr_t fiber = 0;
      size_t bytes = 0;
      BOOST_TEST_REQUIRE(std::sscanf(end.stderr_text.c_str(), "fiber=%" SCNxPTR " bytes=%zu\n",
                                     &fiber, &bytes) == 2);
      const std::string message = end.stderr_text.substr(end.stderr_text.find(kMessage));
      uintptr_t named = 0;
      char unit[32] = {};
      size_t size = 0;
      uintptr_t low = 0;
      uintptr_t high = 0;
      uintptr_t touched = 0;
      const int fields =
          std::sscanf(message.c_str(),
                      "acre: stack overflow: fiber %" SCNxPTR
                      " (the parser) needs more than its stack of %zu%31s at [%" SCNxPTR
                      ", %" SCNxPTR "): it touched %" SCNxPTR,
                      &named, &size, unit, &low, &high, &touched);
      BOOST_TEST_REQUIRE(fields == 6);
      BOOST_TEST(named == fiber);
      BOOST_TEST(high - low == bytes);
      const std::string suffix = unit;
      const size_t scale = suffix == "KiB" ? kKiB : suffix == "MiB" ? kMiB : 1;
      BOOST_TEST(size * scale <= bytes);  // in whole units
      BOOST_TEST(size * scale > bytes - bytes / 16);
      BOOST_TEST(touched < low);
      BOOST_TEST(touched >= low - 4096);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_fiber_without_a_name_has_its_address) {
  const ChildEnd end = in_forked_child([] {
    const ChildHeap heap;
    (void)acre_fiber_resume(heap.thread, heap.make(&overflow_fiber), nullptr);
    return 0;
  });
  BOOST_TEST(died_of(end, SIGSEGV));
  BOOST_TEST(messages(end.stderr_text) == 1u);
  BOOST_TEST(!contains(end.stderr_text, "("));
}

BOOST_AUTO_TEST_CASE(a_fiber_that_was_resumed_by_another_is_told_from_it) {
  const ChildEnd end = in_forked_child([] {
    const ChildHeap heap;
    acre_fiber* inner = heap.make(&overflow_fiber, 8 * kKiB);
    acre_fiber_set_name(inner, "inner");
    acre_fiber* outer = heap.make(
        [](acre_fiber* self, void* arg) {
          return acre_fiber_resume(acre_fiber_thread(self), static_cast<acre_fiber*>(arg), nullptr);
        },
        8 * kKiB, inner);
    acre_fiber_set_name(outer, "outer");
    (void)acre_fiber_resume(heap.thread, outer, nullptr);
    return 0;
  });
  BOOST_TEST(died_of(end, SIGSEGV));
  BOOST_TEST(contains(end.stderr_text, "(inner)"));
}

void handle_with_info(int, siginfo_t* info, void*) {
  say(info->si_addr != nullptr && info->si_code > 0 ? "handler with address\n"
                                                    : "handler without\n");
  _exit(42);
}
void handle_plainly(int) {
  say("plain handler\n");
  _exit(43);
}

BOOST_AUTO_TEST_CASE(a_handler_that_was_there_is_called_after_the_message) {
  for (const bool with_info : {true, false}) {
    const ChildEnd end = in_forked_child([&] {
      const ChildHeap heap;
      struct sigaction action {};
      if (with_info) {
        action.sa_sigaction = &handle_with_info;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      } else {
        action.sa_handler = &handle_plainly;
      }
      sigaction(SIGSEGV, &action, nullptr);
      (void)acre_fiber_resume(heap.thread, heap.make(&overflow_fiber), nullptr);
      return 0;
    });
    BOOST_TEST_CONTEXT(end.stderr_text) {
      BOOST_TEST(end.exited_with(with_info ? 42 : 43));
      const size_t message = end.stderr_text.find(kMessage);
      const size_t handler =
          end.stderr_text.find(with_info ? "handler with address" : "plain handler");
      BOOST_TEST((message != std::string::npos));
      BOOST_TEST((handler != std::string::npos));
      BOOST_TEST(message < handler);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_faults_are_not_taken_for_overflows) {
  // A NULL pointer on a fiber and beside it, somebody else's guard, and the thread's own stack.
  const auto on_fiber = [](acre_fiber*, void*) -> void* {
    touch_null();
    return nullptr;
  };
  for (const int which : {0, 1, 2, 3, 4}) {
    const ChildEnd end = in_forked_child([&] {
      const ChildHeap heap;
      acre_fiber* fiber =
          heap.make(which == 0 ? on_fiber : [](acre_fiber*, void* arg) { return arg; });
      (void)acre_fiber_resume(heap.thread, fiber, nullptr);
      if (which == 1) touch_null();
      if (which == 2) {
        *static_cast<volatile char*>(
            mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) = 1;
      }
      if (which == 3) overflow();
      if (which == 4) raise(SIGSEGV);
      return 0;
    });
    BOOST_TEST_CONTEXT(which << ": " << end.stderr_text) {
      BOOST_TEST(died_of(end, SIGSEGV));
      BOOST_TEST(messages(end.stderr_text) == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_sent_and_ignored_stays_ignored) {
  const ChildEnd end = in_forked_child([] {
    const ChildHeap heap;
    signal(SIGSEGV, SIG_IGN);
    acre_fiber* fiber = heap.make([](acre_fiber*, void* arg) { return arg; });
    (void)acre_fiber_resume(heap.thread, fiber, nullptr);
    raise(SIGSEGV);
    return 7;
  });
  BOOST_TEST(end.exited_with(7));
}

BOOST_AUTO_TEST_CASE(without_the_report_there_is_a_signal_only) {
  const ChildEnd end = in_forked_child([] {
    const ChildHeap heap(false);
    acre_fiber* fiber = heap.make(&overflow_fiber);
    struct sigaction now {};
    sigaction(SIGSEGV, nullptr, &now);
    if (now.sa_handler != SIG_DFL) say("a handler\n");
    (void)acre_fiber_resume(heap.thread, fiber, nullptr);
    return 0;
  });
  BOOST_TEST(died_of(end, SIGSEGV));
  BOOST_TEST(end.stderr_text == "");
}

BOOST_AUTO_TEST_CASE(it_is_reported_on_any_thread) {
  const ChildEnd end = in_forked_child([] {
    const ChildHeap heap;
    (void)acre_fiber_resume(heap.thread, heap.make([](acre_fiber*, void* arg) { return arg; }),
                            nullptr);
    acre_blocking_begin(heap.thread);
    std::thread([&] {
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) _exit(104);
      acre_fiber* fiber = nullptr;
      if (acre_fiber_new(thread, 0, &overflow_fiber, nullptr, &fiber) != ACRE_OK) _exit(105);
      acre_fiber_set_name(fiber, "elsewhere");
      (void)acre_fiber_resume(thread, fiber, nullptr);
    }).join();
    return 0;
  });
  BOOST_TEST(died_of(end, SIGSEGV));
  BOOST_TEST(contains(end.stderr_text, "(elsewhere)"));
}

BOOST_AUTO_TEST_CASE(the_programs_own_signal_stack_is_kept_and_ours_goes_with_the_thread) {
  const ChildEnd end = in_forked_child([] {
    static char own[64 * kKiB];
    {
      const ChildHeap heap;
      const stack_t mine{own, 0, sizeof(own)};
      sigaltstack(&mine, nullptr);
      (void)acre_fiber_resume(heap.thread, heap.make([](acre_fiber*, void* arg) { return arg; }),
                              nullptr);
      stack_t now{};
      sigaltstack(nullptr, &now);
      if (now.ss_sp != own || now.ss_size != sizeof(own)) return 1;
      if (acre_thread_detach(heap.thread) != ACRE_OK) return 2;
      if (acre_heap_destroy(heap.heap) != ACRE_OK) return 3;
      sigaltstack(nullptr, &now);
      if (now.ss_sp != own) return 4;
    }
    const ChildHeap heap;  // takes it away
    (void)acre_fiber_resume(heap.thread, heap.make([](acre_fiber*, void* arg) { return arg; }),
                            nullptr);
    stack_t now{};
    sigaltstack(nullptr, &now);
    if ((now.ss_flags & SS_DISABLE) != 0) return 5;
    // With the heap's memory its stack goes, too, however the thread leaves.
    if (acre_heap_destroy(heap.heap) != ACRE_OK) return 6;
    sigaltstack(nullptr, &now);
    return (now.ss_flags & SS_DISABLE) != 0 ? 9 : 7;
  });
  BOOST_TEST(end.exited_with(9));
}

BOOST_AUTO_TEST_CASE(an_overflow_with_the_programs_own_signal_stack_is_reported) {
  const ChildEnd end = in_forked_child([] {
    static char own[64 * kKiB];
    const ChildHeap heap;
    const stack_t mine{own, 0, sizeof(own)};
    sigaltstack(&mine, nullptr);
    (void)acre_fiber_resume(heap.thread, heap.make(&overflow_fiber), nullptr);
    return 0;
  });
  BOOST_TEST(died_of(end, SIGSEGV));
  BOOST_TEST(messages(end.stderr_text) == 1u);
}

BOOST_AUTO_TEST_CASE(a_heap_that_is_gone_does_not_disturb_the_report) {
  const ChildEnd end = in_forked_child([] {
    for (int i = 0; i < 3; ++i) {
      const ChildHeap heap;
      (void)acre_fiber_resume(heap.thread, heap.make([](acre_fiber*, void* arg) { return arg; }),
                              nullptr);
      if (acre_heap_destroy(heap.heap) != ACRE_OK) return 1;
    }
    acre_heap* heap = nullptr;
    acre_thread* thread = nullptr;
    acre_fiber* fiber = nullptr;
    if (acre_heap_create(nullptr, &heap) != ACRE_OK) return 2;
    if (acre_thread_attach(heap, &thread) != ACRE_OK) return 3;
    if (acre_fiber_new(thread, 0, &overflow_fiber, nullptr, &fiber) != ACRE_OK) return 4;
    (void)acre_fiber_resume(thread, fiber, nullptr);
    return 0;
  });
  BOOST_TEST(died_of(end, SIGSEGV));
}

BOOST_AUTO_TEST_CASE(a_coroutine_of_boost_is_called_a_coroutine) {
  for (const bool other_thread : {false, true}) {
    const ChildEnd end = in_forked_child([&] {
      const ChildHeap heap;
      const auto run = [](acre_heap* of) {
        boost::context::fiber coroutine(std::allocator_arg, FiberStack(of, 16 * kKiB),
                                        [](boost::context::fiber&& caller) {
                                          caller = std::move(caller).resume();
                                          overflow();
                                          return std::move(caller);
                                        });
        coroutine = std::move(coroutine).resume();
        coroutine = std::move(coroutine).resume();
      };
      if (!other_thread) {
        run(heap.heap);
        return 0;
      }
      acre_blocking_begin(heap.thread);
      std::thread([&] {
        acre_thread* thread = nullptr;
        if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) _exit(104);
        run(heap.heap);
      }).join();
      return 0;
    });
    BOOST_TEST_CONTEXT(end.stderr_text) {
      BOOST_TEST(died_of(end, SIGSEGV));
      BOOST_TEST(messages(end.stderr_text) == 1u);
      BOOST_TEST(contains(end.stderr_text, "a coroutine"));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
