// The public calls on weak references, ephemerons, finalizers and cleanups.

#include "gc/weak/weak.h"

#include "gc/cycle/cycle.h"
#include "gc/weak/weak_pairs.h"

namespace {

using acre::gc::Special;
using acre::gc::Specials;
using acre::gc::SpecialType;
using acre::gc::WeakPair;
using acre::gc::WeakPairs;
using acre::rt::Addr;
using acre::rt::InsideAcre;

void* fail(acre_thread* thread, acre_status status) {
  thread->last_error = status;
  return nullptr;
}

// Whether it is an object that a collection may find dead.
bool is_collected(acre_thread* thread, const void* address) {
  const acre::rt::ObjectRef object = object_at(thread->heap->core.space, Addr(address));
  return object && !object.span->explicitly_freed;
}

Specials& specials_of(acre_thread* thread) { return thread->heap->cycle.weak().specials; }

acre_status set_finalizer(acre_thread* thread, void* object, acre_finalizer_fn fn, void* arg,
                          SpecialType order) {
  if (thread == nullptr || object == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  if (thread->heap->threads.inside_stop()) return ACRE_E_STATE;
  if (!is_collected(thread, object)) return ACRE_E_INVALID;
  return specials_of(thread).set_finalizer(object, fn, arg, order) ? ACRE_OK : ACRE_E_NOMEM;
}

void run(const Specials::Ready& ready) {
  const acre::rt::OutsideAcre outside;
  switch (ready.type) {
    case SpecialType::kWeak: return ready.weak_fn(ready.weak, ready.arg);
    case SpecialType::kCleanup: return ready.cleanup_fn(ready.arg);
    default: return ready.finalizer_fn(ready.object, ready.arg);
  }
}

}  // namespace

extern "C" {

acre_weak* acre_weak_new(acre_thread* thread, void* object) {
  return acre_weak_new_notify(thread, object, nullptr, nullptr);
}

acre_weak* acre_weak_new_notify(acre_thread* thread, void* object, acre_weak_fn fn, void* arg) {
  if (thread == nullptr) return nullptr;
  const InsideAcre inside;
  if (thread->heap->threads.inside_stop()) {
    fail(thread, ACRE_E_STATE);
    return nullptr;
  }
  if (object != nullptr && !is_collected(thread, object)) {
    fail(thread, ACRE_E_INVALID);
    return nullptr;
  }
  Special* weak = specials_of(thread).new_weak(object, fn, arg);
  if (weak == nullptr) fail(thread, ACRE_E_NOMEM);
  return static_cast<acre_weak*>(weak);
}

void* acre_weak_get(acre_thread*, const acre_weak* weak) {
  if (weak == nullptr) return nullptr;
  return Addr(__atomic_load_n(&weak->object, __ATOMIC_ACQUIRE)).as<void>();
}

void acre_weak_drop(acre_weak* weak) {
  const InsideAcre inside;
  if (weak != nullptr) Specials::drop(weak, "acre_weak_drop");
}

acre_status acre_ephemeron_new(acre_thread* thread, void* key, void* value, void** out) {
  if (out == nullptr) return ACRE_E_INVALID;
  *out = nullptr;
  if (thread == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  acre_kind kind = ACRE_KIND_NONE;
  if (const acre_status status = thread->heap->cycle.weak().kinds.pairs(&kind)) return status;
  acre_local keep_key{nullptr, key};
  acre_local keep_value{nullptr, value};
  acre_local_push(thread, &keep_key);
  acre_local_push(thread, &keep_value);
  auto* pairs = static_cast<WeakPairs*>(acre_alloc(thread, WeakPairs::bytes(0), kind));
  (void)acre_local_pop(thread, &keep_value);
  (void)acre_local_pop(thread, &keep_key);
  if (pairs == nullptr) return thread->last_error;
  pairs->mode = ACRE_WEAK_KEYS;
  const uintptr_t word = Addr(key).raw;
  const bool is_small = word == 0 || word >= WeakPair::kNull;
  if (is_small) pairs->small_key = static_cast<int8_t>(word);
  *pairs->pairs() = {is_small ? WeakPair::kNull : word, Addr(value).raw};
  *out = pairs;
  return ACRE_OK;
}

void* acre_ephemeron_key(acre_thread* thread, void* ephemeron) {
  if (thread == nullptr) return nullptr;
  WeakPairs* pairs = thread->heap->cycle.weak().kinds.pairs_at(ephemeron);
  if (pairs == nullptr) return fail(thread, ACRE_E_INVALID);
  const WeakPair& pair = *pairs->pairs();
  if (!pair.in_use()) return nullptr;
  return Addr(pair.key == WeakPair::kNull ? static_cast<uintptr_t>(intptr_t{pairs->small_key})
                                          : pair.key)
      .as<void>();
}

void* acre_ephemeron_value(acre_thread* thread, void* ephemeron) {
  if (thread == nullptr) return nullptr;
  WeakPairs* pairs = thread->heap->cycle.weak().kinds.pairs_at(ephemeron);
  if (pairs == nullptr) return fail(thread, ACRE_E_INVALID);
  return Addr(pairs->pairs()->value).as<void>();
}

acre_status acre_finalizer_set(acre_thread* thread, void* object, acre_finalizer_fn fn, void* arg) {
  return set_finalizer(thread, object, fn, arg, SpecialType::kOrdered);
}

acre_status acre_finalizer_set_unordered(acre_thread* thread, void* object, acre_finalizer_fn fn,
                                         void* arg) {
  return set_finalizer(thread, object, fn, arg, SpecialType::kUnordered);
}

acre_status acre_cleanup_add(acre_thread* thread, void* object, acre_cleanup_fn fn, void* arg,
                             acre_cleanup** out) {
  if (out != nullptr) *out = nullptr;
  if (thread == nullptr || object == nullptr || fn == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  if (thread->heap->threads.inside_stop()) return ACRE_E_STATE;
  if (!is_collected(thread, object)) return ACRE_E_INVALID;
  Special* cleanup = specials_of(thread).new_cleanup(object, fn, arg, out != nullptr);
  if (cleanup == nullptr) return ACRE_E_NOMEM;
  if (out != nullptr) *out = static_cast<acre_cleanup*>(cleanup);
  return ACRE_OK;
}

void acre_cleanup_cancel(acre_cleanup* cleanup) {
  const InsideAcre inside;
  if (cleanup != nullptr) Specials::drop(cleanup, "acre_cleanup_cancel");
}

size_t acre_run_finalizers(acre_thread* thread) {
  if (thread == nullptr) return 0;
  const InsideAcre inside;
  acre_heap* heap = thread->heap;
  if (thread->blocking_depth != 0 || thread->in_callback || heap->threads.inside_stop()) {
    thread->last_error = ACRE_E_STATE;
    return 0;
  }
  Specials& specials = specials_of(thread);
  size_t count = 0;
  for (Specials::Ready ready; specials.take_ready(&ready); ++count) {
    acre_local keep{nullptr, ready.object};
    acre_local_push(thread, &keep);
    run(ready);
    // A finalizer on a fiber may go on on another thread.
    (void)acre_local_pop(thread, &keep);
    thread = heap->threads.current();
  }
  return count;
}

size_t acre_finalizers_waiting(acre_heap* heap) {
  if (heap == nullptr) return 0;
  return heap->cycle.weak().specials.counts().queued.load(std::memory_order_relaxed);
}

}  // extern "C"
