// The public calls that allocate, free and ask about objects.
//
// What an allocation does when the inline path has no room, in order: check the arguments; come to
// a safepoint; collect if the goal is reached; take room; if there is none, collect and try again;
// ask the OOM handler, and if it says so collect and try once more; NULL.

#include <algorithm>
#include <cstring>

#include "gc/cycle/cycle.h"
#include "runtime/base/check.h"

namespace {

using acre::gc::BarrierCheck;
using acre::gc::Reason;
using acre::rt::Addr;
using acre::rt::ByteCount;
using acre::rt::Fill;
using acre::rt::InsideAcre;
using acre::rt::kMaxSmallBytes;
using acre::rt::ObjectRef;
using acre::rt::Tracing;

constexpr size_t kMaxAlign = 1 << 20;

struct Request {
  size_t asked;  // by the caller, for reports
  size_t bytes;
  size_t align;
  acre_kind kind;
  Fill fill;
};

void* fail(acre_thread* thread, acre_status status) {
  thread->last_error = status;
  return nullptr;
}

void* take_room(acre_thread* thread, const Request& request) {
  if (request.align > acre::rt::kGranuleBytes) {
    return thread->cache.alloc_large(request.bytes, request.kind, request.align, request.fill);
  }
  return thread->cache.alloc_slow(request.bytes, request.kind, request.fill);
}

// There may be room but for the hard limit.
bool refused_by_limit(acre_heap* heap, const Request& request) {
  using acre::rt::PageCount;
  const PageCount pages =
      request.bytes <= kMaxSmallBytes
          ? PageCount(acre::rt::kClasses[acre::rt::class_for(request.bytes)].pages)
          : acre::rt::pages_for(ByteCount(request.bytes));
  return !heap->core.pages.retention().may_hold(bytes_of(pages));
}

// All of the sweep is done before the try: room may lie in any span, and pages in a row only be
// there when the last of them is free.
void* collect_and_take(acre_thread* thread, const Request& request) {
  if (!acre::gc::leaves_it_to_polls(*thread))
    thread->heap->cycle.collect(thread, Reason::kNoMemory);
  thread->heap->cycle.finish_sweep();
  return take_room(thread, request);
}

bool torture_is_due(acre::rt::Heap& heap) {
  const int every = heap.options.gc_every;
  if (every <= 0) return false;
  const uint64_t count = heap.torture_count.fetch_add(1, std::memory_order_relaxed) + 1;
  return count % static_cast<uint64_t>(every) == 0;
}

void collect_if_due(acre_thread* thread) {
  acre_heap* heap = thread->heap;
  if (torture_is_due(heap->core)) heap->cycle.collect(thread, Reason::kForced);
  if (heap->core.wants_collection()) heap->cycle.collect(thread, Reason::kTrigger);
}

// In place of a collection: the next poll looks.
void ask_for_poll_if_due(acre_thread* thread) {
  using AtPoll = acre_thread::AtPoll;
  if (torture_is_due(thread->heap->core)) thread->at_poll = AtPoll::kForced;
  if (thread->at_poll == AtPoll::kNothing && thread->heap->core.wants_collection()) {
    thread->at_poll = AtPoll::kIfDue;
  }
  if (thread->at_poll == AtPoll::kNothing) return;
  __atomic_store_n(&thread->inline_fields.stop_requested, 1, __ATOMIC_RELAXED);
}

// The size of the object that a request of this size gets.
size_t room_for(size_t bytes) {
  if (bytes <= kMaxSmallBytes) return acre::rt::kClasses[acre::rt::class_for(bytes)].bytes;
  return bytes_of(acre::rt::pages_for(ByteCount(bytes))).raw;
}

// An array of none gets room for one, so that no smaller object of its kind is ever made: inline code looks at
// nothing but the gap.
bool make_room_for_element(const acre::rt::Kind& kind, Request* request) {
  const size_t least = kind.least_bytes();
  if (request->asked == 0) request->bytes = std::max(request->bytes, least);
  if (request->bytes >= least) return true;
  if (request->align <= acre::rt::kGranuleBytes) return room_for(request->bytes) >= least;
  return std::max(bytes_of(acre::rt::pages_for(ByteCount(request->bytes))).raw,
                  acre::rt::kPageBytes) >= least;
}

// Inside Acre.
__attribute__((noinline)) void* alloc_slow(acre_thread* thread, Request request) {
  acre_heap* heap = thread->heap;
  const acre::rt::KindTable& kinds = heap->core.kinds;
  if (!kinds.known(request.kind) || !make_room_for_element(kinds.get(request.kind), &request)) {
    return fail(thread, ACRE_E_INVALID);
  }
  if (thread->blocking_depth != 0 || heap->threads.inside_stop()) {
    return fail(thread, ACRE_E_STATE);
  }
  ACRE_DCHECK(thread->attach_depth != 0 && pthread_equal(thread->id, pthread_self()) != 0,
              "an acre_thread is used by its thread, while that is attached");
  if (request.bytes > heap->core.space.reserved().raw) return fail(thread, ACRE_E_NOMEM);
  if (acre::gc::leaves_it_to_polls(*thread)) {
    ask_for_poll_if_due(thread);
  } else {
    thread->registry->safepoint(thread);
    collect_if_due(thread);
  }
  void* object = take_room(thread, request);
  // Before anything is refused, and whether or not collections are put off.
  if (object == nullptr && heap->cycle.give_back_idle_stacks(thread)) {
    object = take_room(thread, request);
  }
  // Where only the hard limit forbids it, collections are put off as those for the soft one are.
  const bool put_off = object == nullptr && refused_by_limit(heap, request) &&
                       heap->cycle.limit().limiting(acre::rt::now_ns());
  if (object == nullptr && !put_off) object = collect_and_take(thread, request);
  // Full even after a collection: the embedder may do something about it.
  if (object == nullptr && heap->ask_oom_handler(thread, request.asked)) {
    object = collect_and_take(thread, request);
  }
  if (object != nullptr) return object;
  return fail(thread, refused_by_limit(heap, request) ? ACRE_E_LIMIT : ACRE_E_NOMEM);
}

// Apart from acre_alloc, so that the short way there needs no stack frame for the request.
__attribute__((noinline)) void* alloc_zeroed_slowly(acre_thread* thread, size_t bytes,
                                                    acre_kind kind) {
  const InsideAcre inside;
  return alloc_slow(thread, {bytes, bytes, acre::rt::kGranuleBytes, kind, Fill::kZero});
}

// Not for nothing: glibc's memset of no bytes on a page without memory costs 200 ns (the processor assists
// its masked store).
void zero(void* object, size_t from, size_t end) {
  if (from < end) memset(static_cast<char*>(object) + from, 0, end - from);
}

bool is_leaf(const acre_thread* thread, acre_kind kind) {
  const acre::rt::KindTable& kinds = thread->heap->core.kinds;
  return kinds.known(kind) && kinds.get(kind).tracing == Tracing::kLeaf;
}

// The smallest small class whose objects are aligned so, because spans begin at pages; 0: none.
size_t aligned_class_bytes(size_t bytes, size_t align) {
  if (align > acre::rt::kPageBytes || bytes > kMaxSmallBytes) return 0;
  for (unsigned i = acre::rt::class_for(bytes); i < acre::rt::kSizeClasses; ++i) {
    if (acre::rt::kClasses[i].bytes % align == 0) return acre::rt::kClasses[i].bytes;
  }
  return 0;
}

// No phase of a collection asks for more yet: the world is stopped while it marks.
void store_in_phase(BarrierCheck* check, void** slot, void* value) {
  const InsideAcre inside;
  if (check == nullptr || !check->active()) {
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
  } else {
    check->store(slot, value);
  }
}

// What is in an object is no longer what the barrier wrote: it is freed, or part of it is zero.
void forget_stores(acre_thread* thread, const void* object) {
  if (__builtin_expect(thread->inline_fields.phase == 0, 1)) return;
  BarrierCheck& check = thread->heap->cycle.barriers();
  if (check.active() && thread->heap->core.space.contains(Addr(object))) check.forget(Addr(object));
}

// Whether an object is so much too large for `bytes` that a copy is worth its memory.
bool worth_shrinking(size_t size, size_t bytes) { return size > 256 && bytes < size / 2; }

}  // namespace

extern "C" {

void* acre_alloc(acre_thread* thread, size_t bytes, acre_kind kind) {
  if (void* object = thread->cache.try_alloc(bytes, kind)) return object;
  return alloc_zeroed_slowly(thread, bytes, kind);
}

void* acre_alloc_uninit(acre_thread* thread, size_t bytes, acre_kind kind) {
  if (thread == nullptr) return nullptr;
  if (kind != ACRE_KIND_LEAF) {
    // Not past a stop that is asked for: who only ever takes what it freed comes to no other safepoint.
    const uint32_t stop = __atomic_load_n(&thread->inline_fields.stop_requested, __ATOMIC_RELAXED);
    void* object = stop == 0 ? thread->cache.try_reuse(bytes, kind) : nullptr;
    if (object != nullptr) return object;
    if (!is_leaf(thread, kind)) return fail(thread, ACRE_E_INVALID);
  }
  if (void* object = thread->cache.try_alloc_uninit(bytes, kind)) return object;
  const InsideAcre inside;
  void* object = alloc_slow(thread, {bytes, bytes, acre::rt::kGranuleBytes, kind, Fill::kUninit});
  // What lies behind the request is zero in every object, so that acre_realloc may grow into it.
  if (object != nullptr) zero(object, bytes, room_for(bytes));
  return object;
}

void* acre_alloc_aligned(acre_thread* thread, size_t bytes, size_t align, acre_kind kind) {
  if (thread == nullptr) return nullptr;
  if (!acre::rt::is_power_of_two(align) || align > kMaxAlign) return fail(thread, ACRE_E_INVALID);
  if (align <= acre::rt::kGranuleBytes) return acre_alloc(thread, bytes, kind);
  const acre::rt::KindTable& kinds = thread->heap->core.kinds;
  if (bytes == 0 && kinds.known(kind)) bytes = kinds.get(kind).least_bytes();
  if (const size_t class_bytes = aligned_class_bytes(bytes, align)) {
    if (void* object = thread->cache.try_alloc(class_bytes, kind)) return object;
    const InsideAcre inside;
    return alloc_slow(thread, {bytes, class_bytes, acre::rt::kGranuleBytes, kind, Fill::kZero});
  }
  const InsideAcre inside;
  return alloc_slow(thread, {bytes, bytes, align, kind, Fill::kZero});
}

void* acre_realloc(acre_thread* thread, void* object, size_t bytes) {
  if (thread == nullptr) return nullptr;
  const InsideAcre inside;
  if (object == nullptr) return acre_alloc(thread, bytes, ACRE_KIND_LEAF);
  const ObjectRef ref = object_at(thread->heap->core.space, Addr(object));
  if (!ref || thread->heap->core.kinds.get(ref.span->kind).internal) {
    return fail(thread, ACRE_E_INVALID);
  }
  const acre::rt::Kind& kind = thread->heap->core.kinds.get(ref.span->kind);
  if (bytes != 0 && bytes < kind.least_bytes() && room_for(bytes) < kind.least_bytes()) {
    return fail(thread, ACRE_E_INVALID);
  }
  const size_t size = ref.span->object_bytes().raw;
  if (bytes <= size && !worth_shrinking(size, bytes)) {
    forget_stores(thread, object);
    zero(object, bytes, size);
    return object;
  }
  // Alive during the allocation even if the caller keeps it nowhere, or stacks are not scanned.
  acre_local keep{nullptr, object};
  acre_local_push(thread, &keep);
  void* copy = acre_alloc(thread, bytes, ref.span->kind);
  (void)acre_local_pop(thread, &keep);
  if (copy == nullptr) return nullptr;
  memcpy(copy, object, std::min(size, bytes));
  forget_stores(thread, object);
  thread->cache.free_object(object);
  return copy;
}

void acre_free(acre_thread* thread, void* object) {
  if (object == nullptr || thread == nullptr) return;
  const InsideAcre inside;
  forget_stores(thread, object);
  if (!thread->cache.free_object(object)) thread->last_error = ACRE_E_INVALID;
  thread->heap->cycle.start_background_if_worth();
}

void* acre_object_base(acre_heap* heap, const void* any) {
  if (heap == nullptr) return nullptr;
  const ObjectRef ref = find_object(heap->core.space, Addr(any));
  return ref ? ref.base.as<void>() : nullptr;
}

size_t acre_object_size(acre_heap* heap, const void* object) {
  if (heap == nullptr) return 0;
  const ObjectRef ref = object_at(heap->core.space, Addr(object));
  return ref ? ref.span->object_bytes().raw : 0;
}

acre_kind acre_object_kind(acre_heap* heap, const void* object) {
  if (heap == nullptr) return ACRE_KIND_NONE;
  const ObjectRef ref = object_at(heap->core.space, Addr(object));
  return ref ? ref.span->kind : ACRE_KIND_NONE;
}

void acre_store_slow(acre_thread* thread, void* object, void** slot, void* value) {
  (void)object;
  store_in_phase(&thread->heap->cycle.barriers(), slot, value);
}

void acre_store_any_slow(void** slot, void* value) {
  store_in_phase(BarrierCheck::of(slot), slot, value);
}

// A thread may be stopped by a signal between a load and its store: the word is in a register then.
void acre_store_range(acre_thread* thread, void* object, void** dst, void* const* src, size_t n) {
  if (dst <= src) {
    for (size_t i = 0; i < n; ++i) acre_store(thread, object, &dst[i], src[i]);
  } else {
    for (size_t i = n; i > 0; --i) acre_store(thread, object, &dst[i - 1], src[i - 1]);
  }
}

}  // extern "C"
