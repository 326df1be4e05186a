// fibers: a million of them, 10,000 at a time: made, resumed in turn ten times each, finished. It is written once,
// for whatever can do this:
//
//   S(at_once)              makes room for as many; this is not in the times
//   create(place, number)   a fiber of run_fiber(number, yield); it need not begin
//   resume(place, value)    runs it until it yields, and returns what it yields; `value` is what its yield
//                           returns (the first one of a fiber is 0, and need not be passed)
//   finish(place, value)    the same for the last time: returns what the function returns; the fiber is gone
//   collections()
//
// A switch here is one resume with the yield that comes back: two of the processor's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

inline constexpr unsigned kFiberTurns = 10;
inline constexpr std::size_t kFiberStack = 64 << 10;

// What every fiber does: a step of arithmetic in each turn, on what it has and what it is told.
template <class Yield>
std::uint64_t run_fiber(std::uint64_t number, Yield yield) {
  std::uint64_t value = 0;
  for (unsigned turn = 0; turn < kFiberTurns; ++turn) {
    number = (number ^ value) * 0x100000001B3;
    value = yield(number);
  }
  return (number ^ value) * 0x100000001B3;
}

template <class S>
class Fibers {
 public:
  static Outcome run(bool quick) {
    const std::size_t at_once = quick ? 1'000 : 10'000;
    const Stopwatch preparing;
    S system(at_once);
    const double setup = preparing.read().seconds;

    const Stopwatch watch;
    double create_seconds = 0;
    double finish_seconds = 0;
    std::array<double, kBatches> switch_seconds;
    std::uint64_t sum = 0;
    for (std::size_t batch = 0; batch < kBatches; ++batch) {
      const double start = watch.read_wall();
      for (std::size_t i = 0; i < at_once; ++i) system.create(i, batch * at_once + i);
      const double created = watch.read_wall();
      for (std::uint64_t turn = 0; turn < kFiberTurns; ++turn) {
        for (std::size_t i = 0; i < at_once; ++i) sum += system.resume(i, turn);
      }
      const double switched = watch.read_wall();
      for (std::size_t i = 0; i < at_once; ++i) sum += system.finish(i, kFiberTurns);
      create_seconds += created - start;
      switch_seconds[batch] = switched - created;
      finish_seconds += watch.read_wall() - switched;
    }
    Outcome outcome;
    outcome.elapsed = watch.read();
    outcome.setup_seconds = setup;
    outcome.collections = system.collections();
    Fold answer;
    answer.add(sum);
    outcome.answer = answer.get();
    // What collections cost is in making and finishing, in some batches more than in others: the mean. Nothing
    // is allocated while switching: the median, which a busy machine disturbs less.
    std::nth_element(switch_seconds.begin(), switch_seconds.begin() + kBatches / 2,
                     switch_seconds.end());
    const auto fibers = static_cast<double>(kBatches * at_once);
    const auto turns = static_cast<double>(kFiberTurns * at_once);
    outcome.phases = {{"create", create_seconds / fibers * 1e9},
                      {"switch", switch_seconds[kBatches / 2] / turns * 1e9},
                      {"finish", finish_seconds / fibers * 1e9}};
    return outcome;
  }

 private:
  static constexpr std::size_t kBatches = 100;
};

}  // namespace acre::compare
