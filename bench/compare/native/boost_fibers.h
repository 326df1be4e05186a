// Boost.Context for the workload fibers, at its barest: its jump from stack to stack, with a word handed over.
// boost::context::fiber, the type over it, takes a fifth more for a switch and three times as long to make one.
//
// WarmFibers is the limit for switching: the stacks are there, each touched before, as far apart as
// protected_fixedsize_stack would have them (64 KiB and a page: at whole 64 KiB they would compete for the same
// lines of the cache). ProtectedFibers gets its stacks from protected_fixedsize_stack and gives them back.
#pragma once

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/compare/native/program.h"
#include "bench/compare/native/workloads/fibers.h"

namespace acre::compare {

class WarmStacks {
 public:
  explicit WarmStacks(std::size_t count) : bytes_(count * kStride) {
    void* mapping =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) system_failure("mmap", errno);
    // As for other stacks. (A kernel without huge pages refuses, which is as good.)
    (void)madvise(mapping, bytes_, MADV_NOHUGEPAGE);
    stacks_ = static_cast<std::byte*>(mapping);
    for (std::size_t i = 0; i < count; ++i) static_cast<std::byte*>(take(i))[-1] = std::byte{1};
  }
  ~WarmStacks() { munmap(stacks_, bytes_); }
  WarmStacks(const WarmStacks&) = delete;
  WarmStacks& operator=(const WarmStacks&) = delete;

  void* take(std::size_t place) { return stacks_ + (place + 1) * kStride; }
  void put(std::size_t) {}

 private:
  static constexpr std::size_t kStride = kFiberStack + 4096;
  std::size_t bytes_;
  std::byte* stacks_;
};

class ProtectedStacks {
 public:
  explicit ProtectedStacks(std::size_t count) : stacks_(count) {}
  void* take(std::size_t place) {
    stacks_[place] = allocator_.allocate();
    return stacks_[place].sp;
  }
  void put(std::size_t place) { allocator_.deallocate(stacks_[place]); }

 private:
  boost::context::protected_fixedsize_stack allocator_{kFiberStack};
  std::vector<boost::context::stack_context> stacks_;
};

template <class Stacks>
class BoostFibers {
 public:
  explicit BoostFibers(std::size_t at_once) : stacks_(at_once), places_(at_once) {}

  void create(std::size_t place, std::uint64_t number) {
    places_[place] = {boost::context::detail::make_fcontext(stacks_.take(place), kFiberStack, &run),
                      number};
  }
  std::uint64_t resume(std::size_t place, std::uint64_t value) {
    Place& at = places_[place];
    // The first word that is handed over is the fiber's number.
    const transfer_t from = jump(at.context, value == 0 ? at.number : value);
    at.context = from.fctx;
    return reinterpret_cast<std::uint64_t>(from.data);
  }
  std::uint64_t finish(std::size_t place, std::uint64_t value) {
    const std::uint64_t last = resume(place, value);
    stacks_.put(place);
    return last;
  }
  std::uint64_t collections() const { return 0; }

 private:
  using fcontext_t = boost::context::detail::fcontext_t;
  using transfer_t = boost::context::detail::transfer_t;

  struct Place {
    fcontext_t context;
    std::uint64_t number;
  };

  static transfer_t jump(fcontext_t to, std::uint64_t word) {
    return boost::context::detail::jump_fcontext(to, reinterpret_cast<void*>(word));
  }

  [[noreturn]] static void run(transfer_t from) {
    const std::uint64_t last =
        run_fiber(reinterpret_cast<std::uint64_t>(from.data), [&from](std::uint64_t value) {
          from = jump(from.fctx, value);
          return reinterpret_cast<std::uint64_t>(from.data);
        });
    jump(from.fctx, last);
    __builtin_unreachable();
  }

  Stacks stacks_;
  std::vector<Place> places_;
};

}  // namespace acre::compare
