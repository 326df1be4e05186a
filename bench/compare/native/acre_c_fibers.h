// Fibers by Acre's C API, for the workload fibers.
#pragma once

#include <acre/acre.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "bench/compare/native/acre_c_memory.h"
#include "bench/compare/native/workloads/fibers.h"

namespace acre::compare {

class AcreCFibers {
 public:
  explicit AcreCFibers(std::size_t at_once)
      : memory_(heap_),
        thread_(memory_.get()),
        places_(static_cast<void**>(
            acre_alloc(thread_, at_once * sizeof(void*), ACRE_KIND_CONSERVATIVE))),
        root_(memory_, places_) {}

  void create(std::size_t place, std::uint64_t number) {
    acre_fiber* fiber;
    require("acre_fiber_new",
            acre_fiber_new(thread_, kFiberStack, &run, reinterpret_cast<void*>(number), &fiber));
    acre_store(thread_, places_, &places_[place], fiber);
  }
  std::uint64_t resume(std::size_t place, std::uint64_t value) {
    return reinterpret_cast<std::uint64_t>(acre_fiber_resume(
        thread_, static_cast<acre_fiber*>(places_[place]), reinterpret_cast<void*>(value)));
  }
  std::uint64_t finish(std::size_t place, std::uint64_t value) {
    const std::uint64_t last = resume(place, value);
    if (acre_fiber_done(static_cast<acre_fiber*>(places_[place])) == 0) {
      throw std::runtime_error("a fiber is not done");
    }
    acre_store(thread_, places_, &places_[place], nullptr);
    return last;
  }
  std::uint64_t collections() const { return heap_.collections(); }

 private:
  static void* run(acre_fiber* fiber, void* number) {
    return reinterpret_cast<void*>(
        run_fiber(reinterpret_cast<std::uint64_t>(number), [fiber](std::uint64_t value) {
          return reinterpret_cast<std::uint64_t>(
              acre_fiber_yield(fiber, reinterpret_cast<void*>(value)));
        }));
  }

  AcreC::Heap heap_;
  AcreC::Mutator memory_;
  acre_thread* thread_;
  void** places_;
  AcreC::Root<void*> root_;
};

}  // namespace acre::compare
