#include "gc/work/work_pool.h"

#include "runtime/base/check.h"
#include "runtime/base/pause.h"
#include "runtime/os/os.h"

namespace acre::gc {
namespace {

// An idle marker looks so often before it sleeps, for some 300 microseconds. Being woken takes 50 or
// more, and work comes again soon: binary trees are 4 % slower with 20 microseconds of it.
constexpr int kLooks = 8000;

// A sleeper looks again by itself after so long, so that a wake-up that is missed costs no more.
constexpr uint64_t kNapNs = 1'000'000;

}  // namespace

void WorkPool::init(rt::Space* space, uint64_t max_buffers) {
  space_ = space;
  max_buffers_ = max_buffers;
  begin(1);
  for (int i = 0; i < 2; ++i) {
    if (WorkBuffer* buffer = make_buffer()) put_empty(buffer);
  }
}

Postponed WorkPool::end_;

void WorkPool::postpone(Postponed* object) {
  if (object->next != nullptr) return;  // scanned again, after an overflow
  Postponed* first = postponed_.load(std::memory_order_relaxed);
  do {
    object->next = first == nullptr ? end_of_postponed() : first;
  } while (!postponed_.compare_exchange_weak(first, object, std::memory_order_release,
                                             std::memory_order_relaxed));
}

void WorkPool::begin(unsigned markers) {
  ACRE_CHECK(markers >= 1 && markers <= kMaxMarkers, "the number of markers is within its limits");
  ACRE_CHECK((state_.load() & (kOneIdle - 1)) == 0, "no work is left from the last time");
  markers_ = markers;
  state_.store(0);
}

WorkBuffer* WorkPool::take_empty() {
  if (WorkBuffer* buffer = empty_.pop()) return buffer;
  return make_buffer();
}

WorkBuffer* WorkPool::make_buffer() {
  if (WorkBuffer* buffer = take_trimmed()) return buffer;
  if (buffers_.fetch_add(1, std::memory_order_relaxed) < max_buffers_) {
    void* memory = space_->meta_alloc(rt::ByteCount(sizeof(WorkBuffer)), sizeof(WorkBuffer));
    if (memory != nullptr) return static_cast<WorkBuffer*>(memory);
  }
  buffers_.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

unsigned WorkPool::trim(unsigned most) {
  if (space_->os().page_size().raw > sizeof(WorkBuffer)) return 0;
  unsigned done = 0;
  while (done < most && buffers_.load(std::memory_order_relaxed) > kKept) {
    WorkBuffer* buffer = empty_.pop();
    if (buffer == nullptr) break;
    put_trimmed(buffer);
    ++done;
  }
  return done;
}

// Its address goes into the first buffer of the list; one that finds no place there becomes the first.
void WorkPool::put_trimmed(WorkBuffer* buffer) {
  {
    rt::LockGuard guard(trim_lock_);
    if (trimmed_ == nullptr || trimmed_->full()) {
      buffer->count = 0;
      buffer->next_in_stack.store(trimmed_, std::memory_order_relaxed);
      trimmed_ = buffer;
      return;
    }
  }
  // Refused: it keeps its memory, and is as good.
  const rt::ByteCount size(sizeof(WorkBuffer));
  space_->release_meta(buffer, size);
  buffers_.fetch_sub(1, std::memory_order_relaxed);
  rt::LockGuard guard(trim_lock_);
  trimmed_->push(Grey{reinterpret_cast<uintptr_t>(buffer)});
}

WorkBuffer* WorkPool::take_trimmed() {
  rt::LockGuard guard(trim_lock_);
  if (trimmed_ == nullptr) return nullptr;
  if (trimmed_->empty()) {
    WorkBuffer* buffer = trimmed_;
    trimmed_ = buffer->next_in_stack.load(std::memory_order_relaxed);
    return buffer;  // it was counted all the time
  }
  const rt::ByteCount size(sizeof(WorkBuffer));
  space_->reuse_meta(size);
  buffers_.fetch_add(1, std::memory_order_relaxed);
  return rt::Addr(trimmed_->pop().address).as<WorkBuffer>();
}

bool WorkPool::wait_for_work(unsigned me) {
  state_.fetch_add(kOneIdle);
  for (int looks = 0;; ++looks) {
    if (state_.load() == markers_ * kOneIdle) {
      if (sleepers_.load() != 0) wake_sleepers();
      return false;
    }
    if (something_for(me)) {
      state_.fetch_sub(kOneIdle);
      return true;
    }
    if (looks < kLooks) {
      rt::pause();
    } else {
      sleep(me);
    }
  }
}

void WorkPool::sleep(unsigned me) {
  rt::LockGuard guard(sleep_lock_);
  sleepers_.fetch_add(1);
  if (!something_for(me) && state_.load() != markers_ * kOneIdle) {
    changed_.wait_until(sleep_lock_, rt::now_ns() + kNapNs);
  }
  sleepers_.fetch_sub(1);
}

void WorkPool::wake_sleepers() {
  rt::LockGuard guard(sleep_lock_);
  changed_.broadcast();
}

}  // namespace acre::gc
