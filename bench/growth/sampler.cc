#include "bench/growth/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "bench/growth/process.h"
#include "bench/growth/units.h"

namespace acre::bench {

Sampler::Sampler(bool show_progress) : show_progress_(show_progress) {
  samples_.resize(kMostSamples);  // writes, and so backs, every page
  samples_.clear();
  thread_ = std::thread([this] { run(); });
}

Sampler::~Sampler() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    heap_ = nullptr;
  }
  wake_.notify_all();
  thread_.join();
}

void Sampler::watch(acre_heap* heap, const Workload* workload, double origin,
                    std::uint64_t resident) {
  const std::lock_guard lock(mutex_);
  heap_ = heap;
  workload_ = workload;
  origin_ = origin;
  resident_ = resident;
  take();
}

void Sampler::begin_phase(const std::string& name) {
  const std::lock_guard lock(mutex_);
  phase_ = name;
  take();
  longest_pause_ns_ = 0;
}

std::uint64_t Sampler::end_phase() {
  const std::lock_guard lock(mutex_);
  take();
  phase_ = "check";
  return longest_pause_ns_;
}

void Sampler::stop() {
  const std::lock_guard lock(mutex_);
  if (heap_ != nullptr) take();
  heap_ = nullptr;
  if (show_progress_) fmt::print(stderr, "\r\033[K");
}

void Sampler::run() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    wake_.wait_for(lock, std::chrono::duration<double>(interval_));
    if (heap_ != nullptr) take();
    processor_.store(thread_processor_seconds(), std::memory_order_relaxed);
  }
}

void Sampler::take() {
  stats_.struct_size = sizeof stats_;
  acre_stats_read(heap_, &stats_);
  const std::uint64_t resident = resident_quick();
  Sample sample;
  sample.seconds = now_seconds() - origin_;
  sample.mapped = stats_.mapped;
  sample.in_use = stats_.heap_inuse;
  sample.heap_alloc = stats_.heap_alloc;
  sample.live = workload_->live();
  sample.released = stats_.heap_released;
  sample.resident = resident > resident_ ? resident - resident_ : 0;
  sample.collections = stats_.num_gc;
  if (stats_.num_gc != collections_) {
    collections_ = stats_.num_gc;
    longest_pause_ns_ = std::max(longest_pause_ns_, stats_.pause_last_ns);
  }
  if (samples_.size() == kMostSamples) thin();
  samples_.push_back(sample);
  if (show_progress_ && sample.seconds - shown_ >= 0.2) show(sample);
}

void Sampler::thin() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples_.size(); i += 2) samples_[kept++] = samples_[i];
  samples_.resize(kept);
  interval_ *= 2;
}

void Sampler::show(const Sample& sample) {
  shown_ = sample.seconds;
  fmt::print(stderr, "\r\033[K{}  {}  {:.1f} s  live {}  resident {}  collections {}",
             workload_->name(), phase_, sample.seconds,
             long_bytes(static_cast<double>(sample.live)),
             long_bytes(static_cast<double>(sample.resident)), sample.collections);
  std::fflush(stderr);
}

}  // namespace acre::bench
