#include "gc/weak/weak_pairs.h"

#include "gc/mark/marker.h"

namespace acre::gc {
namespace {

// A check (acre_verify) wants to see that what is there leads to objects.
void trace_pairs(void* object, size_t, acre_visitor* visitor) {
  auto* pairs = static_cast<WeakPairs*>(object);
  if (!visitor->checking()) {
    visitor->postpone(pairs);
    return;
  }
  for (WeakPair& pair : *pairs) {
    if (!pair.in_use()) continue;
    visitor->visit(pair.key, &pair.key);
    visitor->visit(pair.value, &pair.value);
  }
}

}  // namespace

void WeakKinds::init(rt::Heap* heap) {
  heap_ = heap;
  lock_.set_rank(rt::LockRank::kWeak);
  pairs_.store(ACRE_KIND_NONE, std::memory_order_relaxed);
  tables_.store(ACRE_KIND_NONE, std::memory_order_relaxed);
}

acre_status WeakKinds::make(std::atomic<acre_kind>* kind, const acre_kind_info& info,
                            acre_kind* out) {
  *out = kind->load(std::memory_order_acquire);
  if (*out != ACRE_KIND_NONE) return ACRE_OK;
  rt::LockGuard guard(lock_);
  *out = kind->load(std::memory_order_relaxed);
  if (*out != ACRE_KIND_NONE) return ACRE_OK;
  const acre_status status = heap_->kinds.add(info, out, /*internal=*/true);
  if (status == ACRE_OK) kind->store(*out, std::memory_order_release);
  return status;
}

acre_status WeakKinds::pairs(acre_kind* out) {
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  info.name = "weak pairs";
  info.trace = &trace_pairs;
  return make(&pairs_, info, out);
}

acre_status WeakKinds::tables(acre_kind* out) {
  constexpr uint8_t kFirstWord = 1;
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  info.name = "weak table";
  info.pointer_bitmap = &kFirstWord;
  info.element_words = sizeof(WeakTable) / sizeof(void*);
  return make(&tables_, info, out);
}

bool WeakKinds::is_of(const void* object, const std::atomic<acre_kind>& kind) const {
  const rt::ObjectRef ref = object_at(heap_->space, rt::Addr(object));
  return ref && ref.span->kind == kind.load(std::memory_order_acquire);
}

}  // namespace acre::gc
