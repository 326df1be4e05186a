#include "gc/weak/ephemerons.h"

#include <utility>

#include "runtime/base/bits.h"

namespace acre::gc {
namespace {

WeakPairs& pairs_of(Postponed* object) { return *static_cast<WeakPairs*>(object); }

bool is_end(const Postponed* object) { return object == WorkPool::end_of_postponed(); }

}  // namespace

Ephemerons::Life Ephemerons::life_of(uintptr_t word, uintptr_t* base) const {
  const rt::Space& space = heap_->space;
  if (!space.contains(rt::Addr(word))) return Life::kAlive;
  const uint64_t granule = (word - space.base().raw) >> rt::kGranuleShift;
  // Only objects are marked, at their starts.
  if (rt::bits::test(space.mark_words(), granule)) return Life::kAlive;
  const rt::ObjectRef object = find_object(space, rt::Addr(word));
  if (!object) return Life::kDead;
  if (object.span->explicitly_freed) return Life::kAlive;
  *base = object.base.raw;
  const bool marked = rt::bits::test(space.mark_words(), space.granule_of(object.base));
  return marked ? Life::kAlive : Life::kUnmarked;
}

template <class Look>
void Ephemerons::look_at_new(Look look) {
  for (Postponed* object = pool_->take_postponed(); !is_end(object);) {
    Postponed* next = std::exchange(object->next, seen_);
    seen_ = object;
    pairs_of(object).doubtful = false;
    look(pairs_of(object));
    object = next;
  }
}

// What is not ready waits in `waiting`, if there is one.
void Ephemerons::visit_now(Marker& marker, WeakPairs& pairs, WaitingKeys* waiting) {
  for (WeakPair& pair : pairs) {
    if (!pair.in_use()) continue;
    switch (pairs.mode) {
      case ACRE_WEAK_VALUES: marker.visit(pair.key, &pair.key); [[fallthrough]];
      case ACRE_WEAK_BOTH: pairs.doubtful = true; continue;
      default: break;
    }
    uintptr_t base = 0;
    const Life life = life_of(pair.key, &base);
    if (life == Life::kAlive) {
      marker.visit(pair.value, &pair.value);
      continue;
    }
    pairs.doubtful = true;
    if (life == Life::kUnmarked && waiting != nullptr && !waiting->add(base, &pair)) {
      short_of_room_ = true;
    }
  }
}

void Ephemerons::visit_values(Marker& marker) {
  look_at_new([&](WeakPairs& pairs) { visit_now(marker, pairs, nullptr); });
}

// Of those that were seen, the values whose keys have been marked since. False: there are none.
bool Ephemerons::visit_ready(Marker& marker) {
  bool any = false;
  for (Postponed* object = seen_; !is_end(object); object = object->next) {
    WeakPairs& pairs = pairs_of(object);
    if (!pairs.doubtful || pairs.mode != ACRE_WEAK_KEYS) continue;
    for (WeakPair& pair : pairs) {
      if (!pair.in_use() || !is_alive(pair.key) || is_alive(pair.value)) continue;
      marker.visit(pair.value, &pair.value);
      any = true;
    }
  }
  return any;
}

void Ephemerons::resolve(Drain& drain) {
  if (is_end(seen_) && !has_new()) return;
  if (visit_ready(drain.marker) || has_new()) Following(this, &drain)();
}

Ephemerons::Following::Following(Ephemerons* ephemerons, Drain* drain)
    : ephemerons_(ephemerons),
      drain_(drain),
      waiting_(ephemerons->heap_, &ephemerons->spare_room_) {
  ephemerons->short_of_room_ = false;
  (*drain)();
  drain->marker.watch(&waiting_);
  for (Postponed* object = ephemerons->seen_; !is_end(object); object = object->next) {
    WeakPairs& pairs = pairs_of(object);
    if (pairs.doubtful && pairs.mode == ACRE_WEAK_KEYS) visit(pairs);
  }
}

void Ephemerons::Following::operator()() {
  for (bool more = true; more;) {
    (*drain_)();
    more = ephemerons_->has_new();
    ephemerons_->look_at_new([this](WeakPairs& pairs) { visit(pairs); });
    for (WeakPair* ready = waiting_.take_ready(); ready != nullptr; ready = waiting_.take_ready()) {
      drain_->marker.visit(ready->value, &ready->value);
      more = true;
    }
  }
  if (ephemerons_->short_of_room_) ephemerons_->resolve_slowly(*drain_);
}

void Ephemerons::resolve_slowly(Drain& drain) {
  while (visit_ready(drain.marker) || has_new()) {
    drain();
    visit_values(drain.marker);
    drain();
  }
}

void Ephemerons::clear_dead_in(WeakPairs& pairs) {
  for (WeakPair& pair : pairs) {
    if (!pair.in_use()) continue;
    const bool stays = (pairs.mode == ACRE_WEAK_VALUES || is_alive(pair.key)) &&
                       (pairs.mode == ACRE_WEAK_KEYS || is_alive(pair.value));
    if (!stays) pairs.clear(pair);
  }
}

void Ephemerons::clear_dead() {
  while (!is_end(seen_)) {
    Postponed* object = seen_;
    if (pairs_of(object).doubtful) clear_dead_in(pairs_of(object));
    seen_ = std::exchange(object->next, cleared_);
    cleared_ = object;
  }
}

void Ephemerons::end_cycle() {
  while (!is_end(cleared_)) cleared_ = std::exchange(cleared_->next, nullptr);
}

}  // namespace acre::gc
