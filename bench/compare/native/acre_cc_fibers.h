// Fibers by Acre's C++ API, for the workload fibers.
#pragma once

#include <acre/acre.hpp>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "bench/compare/native/acre_cc_memory.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/workloads/fibers.h"

namespace acre::compare {

class AcreCcFibers {
 public:
  explicit AcreCcFibers(std::size_t at_once)
      : thread_(heap_), root_(thread_, thread_.make_array<Place>(at_once)), places_(root_.get()) {}

  void create(std::size_t place, std::uint64_t number) {
    places_[place].ref = acre::make_fiber(
        thread_,
        [number](acre::Fiber& self) {
          return reinterpret_cast<void*>(run_fiber(number, [&self](std::uint64_t value) {
            return reinterpret_cast<std::uint64_t>(self.yield(reinterpret_cast<void*>(value)));
          }));
        },
        kFiberStack);
  }
  std::uint64_t resume(std::size_t place, std::uint64_t value) {
    return reinterpret_cast<std::uint64_t>(
        places_[place].ref->resume(thread_, reinterpret_cast<void*>(value)));
  }
  std::uint64_t finish(std::size_t place, std::uint64_t value) {
    const std::uint64_t last = resume(place, value);
    if (!places_[place].ref->done()) throw std::runtime_error("a fiber is not done");
    places_[place].ref = nullptr;
    return last;
  }
  std::uint64_t collections() const { return heap_.collections(); }

 private:
  using Place = Slot<AcreCc, acre::Fiber>;

  AcreCc::Heap heap_;
  acre::Thread thread_;
  acre::Root<Place> root_;
  Place* places_;
};

}  // namespace acre::compare
