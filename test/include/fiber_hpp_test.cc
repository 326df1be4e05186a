// acre::Fiber: what is yielded and what is thrown arrives where it should, by every thread that resumes.

#include <acre/acre.hpp>
#include <array>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test/runtime/base/forked_child.h"

namespace {

struct Cell {
  acre::Member<Cell> next;
  long value = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};

struct Owner {
  acre::Member<acre::Fiber> fiber;
  void trace(acre::Visitor& visitor) { visitor(fiber); }
};

acre::Options options(bool scans_stacks = true) {
  acre::Options options;
  options.reserve_bytes = 256 << 20;
  options.gc_percent = -1;
  options.conservative_stacks = scans_stacks ? 1 : 0;
  return options;
}

void* number(long n) { return reinterpret_cast<void*>(n); }
long number(void* n) { return reinterpret_cast<long>(n); }

struct Fixture {
  acre::Heap heap{options()};
  acre::Thread thread{heap};

  uint64_t stacks() { return heap.stats().stacks; }
};

acre_status status_of_resume(acre::Fiber* fiber, acre::Thread& thread) {
  try {
    (void)fiber->resume(thread);
  } catch (const acre::Error& error) {
    return error.status();
  }
  return ACRE_OK;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fiber_hpp, Fixture)

BOOST_AUTO_TEST_CASE(the_example_of_the_header_counts_to_three) {
  acre::Fiber* numbers = acre::make_fiber(thread, [](acre::Fiber& self) {
    for (long i = 1; i <= 3; ++i) self.yield(reinterpret_cast<void*>(i));
  });
  std::vector<long> got;
  while (void* n = numbers->resume(thread)) got.push_back(number(n));
  BOOST_TEST(got == (std::vector<long>{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(numbers->done());
  BOOST_TEST(status_of_resume(numbers, thread) == ACRE_E_STATE);
  BOOST_TEST(stacks() == 0u);
}

BOOST_AUTO_TEST_CASE(values_go_in_by_resume_and_a_result_comes_out) {
  acre::Fiber* adder = acre::make_fiber(thread, [](acre::Fiber& self) -> void* {
    long sum = 0;
    while (const long n = number(self.yield(number(sum)))) sum += n;
    return number(sum + 1000);
  });
  adder->set_name("adder");
  BOOST_TEST(number(adder->resume(thread, number(99))) == 0);  // the first is nobody's
  BOOST_TEST(number(adder->resume(thread, number(5))) == 5);
  BOOST_TEST(number(adder->resume(thread, number(7))) == 12);
  thread.collect();
  BOOST_TEST(!adder->done());
  BOOST_TEST(number(adder->resume(thread, nullptr)) == 1012);
  BOOST_TEST(adder->done());
}

BOOST_AUTO_TEST_CASE(generators_hold_what_they_make) {
  std::array<acre::Fiber*, 50> generators{};
  for (size_t i = 0; i < generators.size(); ++i) {
    generators[i] = acre::make_fiber(
        thread,
        [i](acre::Fiber& self) {
          Cell* list = nullptr;
          for (long n = 0; n < 20; ++n) {
            Cell* cell = self.thread().make<Cell>();
            cell->value = n * 100 + static_cast<long>(i);
            cell->next = list;
            list = cell;
            self.yield(list);
          }
        },
        8 << 10);
  }
  for (long n = 0; n < 20; ++n) {
    for (size_t i = 0; i < generators.size(); ++i) {
      auto* list = static_cast<Cell*>(generators[i]->resume(thread));
      for (long k = n; k >= 0; --k, list = list->next.get()) {
        BOOST_TEST_REQUIRE(list->value == k * 100 + static_cast<long>(i));
      }
      BOOST_TEST_REQUIRE(list == nullptr);
    }
    thread.collect();
  }
  for (acre::Fiber* generator : generators) BOOST_TEST(generator->resume(thread) == nullptr);
  for (acre::Fiber* generator : generators) BOOST_TEST(generator->done());
}

BOOST_AUTO_TEST_CASE(what_a_function_captures_lives_with_the_fiber) {
  Cell* cell = thread.make<Cell>();
  cell->value = 31;
  auto shared = std::make_shared<int>(8);
  acre::Fiber* fiber =
      acre::make_fiber(thread, [cell, shared, only = std::make_unique<long>(3)](acre::Fiber& self) {
        self.yield(number(cell->value + *shared + *only));
      });
  cell = nullptr;
  BOOST_TEST(shared.use_count() == 2);
  for (int i = 0; i < 100; ++i) (void)thread.make<Cell>();
  thread.collect();
  BOOST_TEST(number(fiber->resume(thread)) == 42);
  (void)fiber->resume(thread);
  BOOST_TEST(fiber->done());
  BOOST_TEST(shared.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(an_exception_that_leaves_arrives_with_its_type_and_text) {
  acre::Fiber* fiber = acre::make_fiber(thread, [](acre::Fiber& self) {
    self.yield(number(1));
    throw std::range_error("out of " + std::string("range, with a text that is long enough"));
  });
  BOOST_TEST(number(fiber->resume(thread)) == 1);
  try {
    (void)fiber->resume(thread);
    BOOST_TEST(false);
  } catch (const std::range_error& error) {
    BOOST_TEST(error.what() == std::string("out of range, with a text that is long enough"));
  }
  BOOST_TEST(fiber->done());
  BOOST_TEST((std::current_exception() == nullptr));
  BOOST_TEST(std::uncaught_exceptions() == 0);
  BOOST_TEST(status_of_resume(fiber, thread) == ACRE_E_STATE);
  BOOST_TEST(stacks() == 0u);

  acre::Fiber* with_int = acre::make_fiber(thread, [](acre::Fiber&) { throw 7; });
  BOOST_CHECK_THROW(with_int->resume(thread), int);
}

BOOST_AUTO_TEST_CASE(exceptions_inside_are_the_fibers_own) {
  const auto body = [](acre::Fiber& self) {
    for (long i = 0; i < 10; ++i) {
      try {
        throw std::runtime_error(std::to_string(i));
      } catch (const std::runtime_error& error) {
        self.yield(number(std::stol(error.what())));
        try {
          throw;
        } catch (const std::runtime_error& again) {
          self.yield(number(std::stol(again.what()) + 100));
        }
      }
    }
  };
  // Two in turn, each while it handles one, while this thread handles one.
  acre::Fiber* one = acre::make_fiber(thread, body);
  acre::Fiber* two = acre::make_fiber(thread, body);
  (void)two->resume(thread);
  for (long i = 0; i < 10; ++i) {
    try {
      throw i;
    } catch (long mine) {
      BOOST_TEST(number(one->resume(thread)) == i);
      BOOST_TEST(number(two->resume(thread)) == i + 100);
      BOOST_TEST(number(one->resume(thread)) == i + 100);
      if (i < 9) BOOST_TEST(number(two->resume(thread)) == i + 1);
      BOOST_TEST(mine == i);
      BOOST_CHECK_THROW(throw, long);
    }
  }
  // What is on the stack of one that nobody ends is forgotten, exceptions in flight, too.
  for (acre::Fiber* fiber : {one, two}) {
    (void)fiber->resume(thread);
    BOOST_TEST(fiber->done());
  }
}

struct Counted {
  explicit Counted(int* counter) : count(counter) { ++*count; }
  Counted(const Counted& other) : count(other.count) { ++*count; }
  ~Counted() { --*count; }
  Counted& operator=(const Counted&) = delete;
  int* count;
};

BOOST_AUTO_TEST_CASE(locals_of_one_that_ends_are_destroyed_however_it_ends) {
  int alive = 0;
  for (const bool throws : {false, true}) {
    acre::Fiber* fiber =
        acre::make_fiber(thread, [counted = Counted(&alive), throws, &alive](acre::Fiber& self) {
          const Counted local(&alive);
          self.yield();
          const Counted later(&alive);
          if (throws) throw std::runtime_error("end");
        });
    BOOST_TEST(alive == 1);
    (void)fiber->resume(thread);
    BOOST_TEST(alive == 2);
    if (throws) {
      BOOST_CHECK_THROW(fiber->resume(thread), std::runtime_error);
    } else {
      (void)fiber->resume(thread);
    }
    BOOST_TEST(alive == 0);
  }
}

BOOST_AUTO_TEST_CASE(fibers_run_in_fibers_and_exceptions_pass_through_all) {
  struct Nest {
    static acre::Fiber* make(acre::Thread& of, long depth) {
      return acre::make_fiber(
          of,
          [depth](acre::Fiber& self) -> void* {
            Cell* mine = self.thread().make<Cell>();
            mine->value = depth;
            if (depth == 0) {
              self.thread().collect();
              self.yield();
              throw std::length_error("from the innermost");
            }
            acre::Fiber* inner = make(self.thread(), depth - 1);
            (void)inner->resume(self.thread());
            self.yield(number(mine->value));
            try {
              (void)inner->resume(self.thread());
            } catch (const std::length_error&) {
              if (mine->value != depth) return nullptr;
              throw;
            }
            return nullptr;
          },
          16 << 10);
    }
  };
  acre::Fiber* outermost = Nest::make(thread, 30);
  BOOST_TEST(number(outermost->resume(thread)) == 30);
  thread.collect();
  BOOST_CHECK_EXCEPTION(outermost->resume(thread), std::length_error,
                        [](const std::length_error& error) {
                          return error.what() == std::string("from the innermost");
                        });
  thread.collect();
  BOOST_TEST(stacks() <= 1u);
}

BOOST_AUTO_TEST_CASE(what_is_asked_of_a_fiber_in_a_wrong_state_is_an_error) {
  acre::Fiber* outer = acre::make_fiber(thread, [](acre::Fiber& self) {
    BOOST_TEST(status_of_resume(&self, self.thread()) == ACRE_E_STATE);
    acre::Fiber* inner = acre::make_fiber(self.thread(), [&self](acre::Fiber& other) {
      BOOST_CHECK_THROW(self.yield(), acre::Error);
      BOOST_TEST(status_of_resume(&self, other.thread()) == ACRE_E_STATE);
    });
    (void)inner->resume(self.thread());
    BOOST_TEST(inner->done());
    acre::Blocking blocking(self.thread());
    BOOST_CHECK_THROW(self.yield(), acre::Error);
  });
  (void)outer->resume(thread);
  BOOST_TEST(outer->done());
  BOOST_CHECK_THROW(acre::make_fiber(
                        thread, [](acre::Fiber&) {}, size_t{65} << 20),
                    acre::Error);
}

BOOST_AUTO_TEST_CASE(a_function_that_cannot_be_moved_makes_no_fiber) {
  struct Stubborn {
    bool given = false;
    Stubborn() = default;
    Stubborn(Stubborn&& other) : given(true) {  // NOLINT: throws
      if (other.given) throw std::runtime_error("not twice");
    }
    void operator()(acre::Fiber&) {}
  };
  Stubborn stubborn;
  BOOST_CHECK_THROW(acre::make_fiber(thread, std::move(stubborn)), acre::Error);
  BOOST_TEST(stacks() == 0u);
}

BOOST_AUTO_TEST_CASE(it_goes_on_on_whatever_thread_resumes_it) {
  constexpr long kThreads = 4;
  acre::Fiber* traveller = acre::make_fiber(thread, [](acre::Fiber& self) {
    Cell* list = nullptr;
    for (long n = 0;; ++n) {
      Cell* cell = self.thread().make<Cell>();
      cell->value = n;
      cell->next = list;
      list = cell;
      auto* passed = static_cast<acre::Thread*>(self.yield(list));
      if (passed == nullptr) break;
      BOOST_TEST(&self.thread() == passed);
      BOOST_TEST(self.thread().get() == acre_fiber_thread(self.get()));
    }
  });
  acre::Root<acre::Fiber> root(thread, traveller);
  (void)traveller->resume(thread);
  for (long i = 1; i <= kThreads; ++i) {
    acre::Blocking blocking(thread);
    std::thread([&] {
      acre::Thread other(heap);
      auto* list = static_cast<Cell*>(root->resume(other, &other));
      other.collect();
      for (long n = i; n >= 0; --n, list = list->next.get()) BOOST_TEST(list->value == n);
    }).join();
  }
  thread.collect();
  BOOST_TEST(traveller->resume(thread, &thread) != nullptr);
  BOOST_TEST(traveller->resume(thread, nullptr) == nullptr);
  BOOST_TEST(traveller->done());
}

BOOST_AUTO_TEST_CASE(objects_refer_to_fibers_and_fibers_to_objects) {
  acre::Root<Owner> owner(thread, thread.make<Owner>());
  owner->fiber = acre::make_fiber(thread, [](acre::Fiber& self) {
    Cell* cell = self.thread().make<Cell>();
    cell->value = 77;
    self.yield();
    self.yield(number(cell->value));
  });
  (void)owner->fiber->resume(thread);
  thread.collect();
  BOOST_TEST(number(owner->fiber->resume(thread)) == 77);
}

BOOST_AUTO_TEST_CASE(no_memory_is_thrown_in_the_fiber_and_arrives) {
  acre::Fiber* greedy = acre::make_fiber(thread, [](acre::Fiber& self) {
    struct Large {
      std::array<long, 100'000> words;
    };
    acre::Local<Cell> nothing(self.thread(), nullptr);
    std::vector<acre::Root<Large>> kept;
    for (;;) kept.emplace_back(self.thread(), self.thread().make<Large>());
  });
  BOOST_CHECK_THROW(greedy->resume(thread), acre::OutOfMemory);
  BOOST_TEST(greedy->done());
  thread.collect();
  acre::Fiber* modest = acre::make_fiber(thread, [](acre::Fiber&) { return number(3); });
  BOOST_TEST(number(modest->resume(thread)) == 3);
}

BOOST_AUTO_TEST_CASE(a_stack_that_a_limit_forbids_is_no_memory) {
  heap.set_hard_limit(1 << 20);
  BOOST_CHECK_THROW(acre::make_fiber(thread, [](acre::Fiber&) {}), acre::OutOfMemory);
}

BOOST_AUTO_TEST_CASE(a_local_goes_with_the_fiber_to_another_thread) {
  acre::Root<acre::Fiber> fiber(thread, acre::make_fiber(thread, [](acre::Fiber& self) {
                                  for (int i = 0; i < 3; ++i) {
                                    acre::Local<Cell> cell(self.thread(),
                                                           self.thread().make<Cell>());
                                    self.yield();
                                  }
                                }));
  for (int i = 0; i < 3; ++i) {
    (void)fiber->resume(thread);
    acre::Blocking blocking(thread);
    std::thread([&] {
      acre::Thread other(heap);
      (void)fiber->resume(other);
      other.collect();
    }).join();
    if (fiber->done()) break;
  }
  thread.collect();
  BOOST_TEST(fiber->done());
}

// As a VM's own `exit` would: the heap goes with the process.
BOOST_AUTO_TEST_CASE(the_process_may_exit_on_a_fiber) {
  const acre::test::ChildEnd end = acre::test::in_forked_child([] {
    static acre::Heap own(options());
    static acre::Thread own_thread(own);
    (void)acre::make_fiber(own_thread, [](acre::Fiber&) { std::exit(7); })->resume(own_thread);
    return 1;
  });
  BOOST_TEST(end.exited_with(7));
}

BOOST_AUTO_TEST_CASE(no_room_for_a_stack_is_thrown) {
  std::vector<acre::Root<acre::Fiber>> fibers;
  const auto fill = [&] {
    for (int i = 0; i < 100; ++i) {
      fibers.emplace_back(thread, acre::make_fiber(
                                      thread, [](acre::Fiber& self) { self.yield(); }, 64 << 20));
    }
  };
  BOOST_CHECK_THROW(fill(), acre::OutOfMemory);
  BOOST_TEST(fibers.size() >= 2u);
  for (auto& fiber : fibers) (void)fiber->resume(thread);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(fiber_hpp_precise)

BOOST_AUTO_TEST_CASE(locals_and_roots_of_a_fiber_hold_where_stacks_are_not_scanned) {
  acre::Heap heap(options(false));
  acre::Thread thread(heap);
  std::vector<acre::Root<acre::Fiber>> fibers;
  for (long i = 0; i < 20; ++i) {
    fibers.emplace_back(thread, acre::make_fiber(thread, [i](acre::Fiber& self) {
                          acre::Local<Cell> cell(self.thread(), self.thread().make<Cell>());
                          cell->value = i;
                          while (self.yield(number(cell->value)) == nullptr) {
                            acre::Local<Cell> more(self.thread(), self.thread().make<Cell>());
                            more->value = cell->value;
                            self.yield(number(more->value + 1000));
                          }
                        }));
  }
  for (int round = 0; round < 3; ++round) {
    for (long i = 0; i < 20; ++i) {
      BOOST_TEST(number(fibers[static_cast<size_t>(i)]->resume(thread)) == i);
      if (i % 5 == 0) thread.collect();
    }
    thread.collect();
    BOOST_TEST(heap.stats().live_objects == 40u);
    for (long i = 19; i >= 0; --i) {
      BOOST_TEST(number(fibers[static_cast<size_t>(i)]->resume(thread)) == i + 1000);
      if (i % 5 == 0) thread.collect();
    }
    thread.collect();
    BOOST_TEST(heap.stats().live_objects == 60u);
  }
  fibers.clear();
  thread.collect();
  BOOST_TEST(heap.stats().live_objects == 0u);
  BOOST_TEST(heap.stats().stacks == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
