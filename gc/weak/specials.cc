#include "gc/weak/specials.h"

#include <bit>
#include <utility>

#include "runtime/base/bits.h"
#include "runtime/base/print.h"

namespace acre::gc {
namespace {

constexpr uint64_t kFirstTable = 512;

uint64_t load(const std::atomic<uint64_t>& count) { return count.load(std::memory_order_relaxed); }

}  // namespace

void Specials::init(rt::Heap* heap) {
  heap_ = heap;
  lock_.set_rank(rt::LockRank::kSpecials);
}

std::atomic<uint64_t>& Specials::count_of(SpecialType type) {
  switch (type) {
    case SpecialType::kWeak: return counts_.weak;
    case SpecialType::kCleanup: return counts_.cleanups;
    default: return counts_.finalizers;
  }
}

bool Specials::is_marked(uintptr_t object) const {
  return rt::bits::test(heap_->space.mark_words(), heap_->space.granule_of(rt::Addr(object)));
}

// ---- Records -----------------------------------------------------------------------------------

bool Specials::add_block() {
  auto* block = static_cast<SpecialBlock*>(
      heap_->space.meta_alloc(rt::ByteCount(sizeof(SpecialBlock)), alignof(SpecialBlock)));
  if (block == nullptr) return false;
  block->owner = this;
  block->next = blocks_;
  blocks_ = block;
  for (Special& special : block->specials) special.next = std::exchange(free_, &special);
  return true;
}

Special* Specials::take_record(SpecialType type, void* arg, bool owned) {
  if (free_ == nullptr && !add_block()) return nullptr;
  Special* special = free_;
  free_ = special->next;
  special->object = 0;
  special->type = type;
  special->arg = arg;
  special->owned = owned;
  return special;
}

void Specials::release(Special* special) {
  special->state.store(SpecialState::kFree, std::memory_order_relaxed);
  special->object = 0;
  special->next = std::exchange(free_, special);
}

// Fibonacci hashing, of the granule's number.
Special*& Specials::chain_of(uintptr_t object) {
  const int shift = std::countl_zero(table_size_) + 1;
  return table_[(object >> rt::kGranuleShift) * 0x9E3779B97F4A7C15 >> shift];
}

void Specials::put_in_chain(Special* special) {
  Special*& chain = chain_of(special->object);
  if (chain != nullptr) chain->previous = special;
  special->previous = nullptr;
  special->next = std::exchange(chain, special);
}

// Without room for a larger one the chains grow. False: there is none at all.
bool Specials::grow_table() {
  const uint64_t size = table_size_ == 0 ? kFirstTable : 2 * table_size_;
  const rt::ByteCount bytes(size * sizeof(Special*));
  auto** table = static_cast<Special**>(heap_->space.meta_alloc(bytes, sizeof(SpecialBlock)));
  if (table == nullptr) return table_ != nullptr;
  Special** old = std::exchange(table_, table);
  const uint64_t old_size = std::exchange(table_size_, size);
  for (uint64_t i = 0; i < old_size; ++i) {
    for (Special* special = old[i]; special != nullptr;) {
      Special* next = special->next;
      put_in_chain(special);
      special = next;
    }
  }
  if (old != nullptr) {
    heap_->space.release_meta(old, rt::ByteCount(old_size * sizeof(Special*)));
  }
  return true;
}

bool Specials::attach(Special* special, uintptr_t object) {
  if (attached_ >= table_size_ && !grow_table()) return false;
  find_object(heap_->space, rt::Addr(object))
      .span->has_specials.store(true, std::memory_order_relaxed);
  special->object = object;
  put_in_chain(special);
  ++attached_;
  count_of(special->type).fetch_add(1, std::memory_order_relaxed);
  special->state.store(SpecialState::kAttached, std::memory_order_release);
  return true;
}

void Specials::detach(Special* special) {
  (special->previous == nullptr ? chain_of(special->object) : special->previous->next) =
      special->next;
  if (special->next != nullptr) special->next->previous = special->previous;
  --attached_;
  count_of(special->type).fetch_sub(1, std::memory_order_relaxed);
}

void Specials::enqueue(Special* special) {
  special->state.store(SpecialState::kQueued, std::memory_order_relaxed);
  special->next = nullptr;
  (queue_ == nullptr ? queue_ : queue_end_->next) = special;
  queue_end_ = special;
  counts_.queued.fetch_add(1, std::memory_order_relaxed);
}

// The object of a weak reference or cleanup has gone.
void Specials::leave(Special* special) {
  __atomic_store_n(&special->object, uintptr_t{0}, __ATOMIC_RELAXED);
  if (special->type == SpecialType::kCleanup || special->weak_fn != nullptr) {
    enqueue(special);
  } else {
    special->state.store(SpecialState::kDone, std::memory_order_relaxed);
  }
}

// ---- What embedders ask for --------------------------------------------------------------------

Special* Specials::new_weak(void* object, acre_weak_fn fn, void* arg) {
  rt::LockGuard guard(lock_);
  Special* special = take_record(SpecialType::kWeak, arg, true);
  if (special == nullptr) return nullptr;
  special->weak_fn = fn;
  if (object == nullptr) {
    special->state.store(SpecialState::kDone, std::memory_order_relaxed);
  } else if (!attach(special, rt::Addr(object).raw)) {
    release(special);
    return nullptr;
  }
  return special;
}

Special* Specials::new_cleanup(void* object, acre_cleanup_fn fn, void* arg, bool owned) {
  rt::LockGuard guard(lock_);
  Special* special = take_record(SpecialType::kCleanup, arg, owned);
  if (special == nullptr) return nullptr;
  special->cleanup_fn = fn;
  if (attach(special, rt::Addr(object).raw)) return special;
  release(special);
  return nullptr;
}

// NULL: there is none.
Special* Specials::find_finalizer(uintptr_t object) {
  if (table_size_ == 0) return nullptr;
  for (Special* special = chain_of(object); special != nullptr; special = special->next) {
    const SpecialType type = special->type;
    const bool finalizes = type == SpecialType::kOrdered || type == SpecialType::kUnordered;
    if (special->object == object && finalizes) return special;
  }
  return nullptr;
}

bool Specials::set_finalizer(void* object, acre_finalizer_fn fn, void* arg, SpecialType order) {
  const uintptr_t address = rt::Addr(object).raw;
  rt::LockGuard guard(lock_);
  Special* old = find_finalizer(address);
  if (fn == nullptr) {
    if (old == nullptr) return true;
    detach(old);
    release(old);
    return true;
  }
  Special* special = old == nullptr ? take_record(order, arg, false) : old;
  if (special == nullptr) return false;
  special->finalizer_fn = fn;
  special->arg = arg;
  special->type = order;
  if (old != nullptr || attach(special, address)) return true;
  release(special);
  return false;
}

void Specials::drop(Special* special, const char* call) {
  const rt::Addr start(rt::align_down(rt::Addr(special).raw, alignof(SpecialBlock)));
  Specials& set = *start.as<SpecialBlock>()->owner;
  rt::LockGuard guard(set.lock_);
  switch (special->state.load(std::memory_order_relaxed)) {
    case SpecialState::kAttached:
      set.detach(special);
      set.release(special);
      break;
    case SpecialState::kDone: set.release(special); break;
    case SpecialState::kQueued:
      special->state.store(SpecialState::kDropped, std::memory_order_relaxed);
      set.counts_.queued.fetch_sub(1, std::memory_order_relaxed);
      break;
    default:
      rt::write_stderr(rt::Line() << "acre: " << call << "(" << rt::Addr(special)
                                  << "): this was done before; nothing done");
  }
}

void Specials::object_freed(uintptr_t object) {
  rt::LockGuard guard(lock_);
  if (table_size_ == 0) return;
  for (Special *special = chain_of(object), *next = nullptr; special != nullptr; special = next) {
    next = special->next;
    if (special->object != object) continue;
    detach(special);
    if (special->type == SpecialType::kWeak || special->type == SpecialType::kCleanup) {
      leave(special);
    } else {
      release(special);
    }
  }
}

bool Specials::take_ready(Ready* out) {
  rt::LockGuard guard(lock_);
  while (queue_ != nullptr) {
    Special* special = queue_;
    queue_ = special->next;
    if (special->state.load(std::memory_order_relaxed) == SpecialState::kDropped) {
      release(special);
      continue;
    }
    counts_.queued.fetch_sub(1, std::memory_order_relaxed);
    counts_.run.fetch_add(1, std::memory_order_relaxed);
    out->type = special->type;
    out->object = rt::Addr(special->object).as<void>();
    out->weak = static_cast<acre_weak*>(special);
    out->finalizer_fn = special->finalizer_fn;
    out->arg = special->arg;
    if (special->owned) {
      special->state.store(SpecialState::kDone, std::memory_order_relaxed);
    } else {
      release(special);
    }
    return true;
  }
  return false;
}

// ---- What a collection does --------------------------------------------------------------------

template <class Fn>
void Specials::for_each_attached(Fn fn) {
  for (SpecialBlock* block = blocks_; block != nullptr; block = block->next) {
    for (Special& special : block->specials) {
      if (special.state.load(std::memory_order_acquire) == SpecialState::kAttached) fn(special);
    }
  }
}

void Specials::clear_weak() {
  if (load(counts_.weak) == 0) return;
  rt::LockGuard guard(lock_);
  for_each_attached([this](Special& special) {
    if (special.type != SpecialType::kWeak || is_marked(special.object)) return;
    detach(&special);
    leave(&special);
  });
}

// An object's own mark keeps what leads back to it from being taken for a reason to wait: so all that comes by way of
// ephemerons must be marked before it is taken away.
void Specials::mark_behind_ordered(Ephemerons& ephemerons, Drain& drain) {
  Ephemerons::Following follow(&ephemerons, &drain);
  for_each_attached([&](Special& special) {
    if (special.type != SpecialType::kOrdered || is_marked(special.object)) return;
    const uint64_t granule = heap_->space.granule_of(rt::Addr(special.object));
    rt::bits::set_unshared(heap_->space.mark_words(), granule);
    drain.marker.visit_fields(special.object);
    follow();
    rt::bits::clear(heap_->space.mark_words(), granule);
  });
}

void Specials::queue_finalizers(SpecialType order) {
  rt::LockGuard guard(lock_);
  for_each_attached([this, order](Special& special) {
    if (special.type != order || is_marked(special.object)) return;
    detach(&special);
    enqueue(&special);
  });
}

void Specials::mark_queued(Drain& drain) {
  for_each_queued([&](uintptr_t* object) { drain.marker.visit(*object, object); });
  drain();
}

void Specials::queue_cleanups() {
  if (load(counts_.cleanups) == 0) return;
  rt::LockGuard guard(lock_);
  for_each_attached([this](Special& special) {
    if (special.type != SpecialType::kCleanup || is_marked(special.object)) return;
    detach(&special);
    leave(&special);
  });
}

bool Specials::check(acre_report_fn report, void* arg) {
  rt::LockGuard guard(lock_);
  uint64_t found = 0;
  bool good = true;
  for_each_attached([&](Special& special) {
    const Special* before = special.previous;
    const bool in_chain = (before == nullptr ? chain_of(special.object) : before->next) == &special;
    found += in_chain ? 1 : 0;
    if (in_chain && object_at(heap_->space, rt::Addr(special.object))) return;
    good = false;
    if (report == nullptr) return;
    rt::Line line;
    line << "a weak reference, finalizer or cleanup is attached to " << rt::Addr(special.object)
         << ", which is " << (in_chain ? "no object" : "not where it is looked for");
    report(line.c_str(), arg);
  });
  if (found == attached_) return good;
  if (report != nullptr) {
    report((rt::Line() << found << " records are attached to objects, " << attached_
                       << " were counted")
               .c_str(),
           arg);
  }
  return false;
}

}  // namespace acre::gc
