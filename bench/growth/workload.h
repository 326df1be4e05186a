// The seam between the runner and the workloads.
//
// A workload is split into parts, one for each thread. The runner calls start once, and then for each
// phase grow, steady, drop_half on one fresh thread a part, in parallel; between phases it calls check the
// same way. A part's data hangs from a handle, so nothing is lost when its thread of one phase ends. In the
// idle run, grow and drop_to take turns.
//
// live() is what the workload knows to be reachable: the sum of the sizes it asked for. It is the
// denominator of every "so much memory for so much data", and it is read by the sampler while parts run.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/growth/mutator.h"
#include "bench/growth/settings.h"

namespace acre::bench {

// What a workload found out, for the reader: lines of "name: value", and the index's answer.
struct Findings {
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::pair<std::string, std::uint64_t>> top;
};

class Workload {
 public:
  virtual ~Workload() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;

  // Registers kinds and makes the roots.
  virtual void start(Mutator& mutator) = 0;
  virtual void grow(Mutator& mutator, unsigned part) = 0;
  // Drops and allocates again, with the live size the same at its end.
  virtual void steady(Mutator& mutator, unsigned part) = 0;
  virtual void drop_half(Mutator& mutator, unsigned part) = 0;
  // Drops all but what was made first, as many whole units of it as `keep` bytes (of all parts together)
  // have room for, and its own books of the rest. grow after it brings the size back to what it was.
  virtual void drop_to(Mutator& mutator, unsigned part, std::uint64_t keep) = 0;
  // Throws Corrupt if an object is not as it was written.
  virtual void check(Mutator& mutator, unsigned part) = 0;
  // After growth and its figures.
  virtual void report(Mutator& mutator, Findings& findings) = 0;

  std::uint64_t live() const { return live_.load(std::memory_order_relaxed); }

 protected:
  void live_add(std::uint64_t bytes) { live_.fetch_add(bytes, std::memory_order_relaxed); }
  void live_drop(std::uint64_t bytes) { live_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> live_{0};
};

// How many times its live size a workload allocates in the steady phase: enough for the heap to fill up and
// be collected twice at the default gc_percent.
inline constexpr unsigned kChurn = 2;

// xorshift64*: the same sequence on every machine, and cheap beside an allocation.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  // Below n, which is not 0. The high bits are the better ones.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }

 private:
  std::uint64_t state_;
};

std::unique_ptr<Workload> make_small(const Settings& settings);
std::unique_ptr<Workload> make_mixed(const Settings& settings);
std::unique_ptr<Workload> make_large(const Settings& settings);
std::unique_ptr<Workload> make_index(const Settings& settings);

}  // namespace acre::bench
