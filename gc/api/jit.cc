// acre/jit.h: the facts, from the structures themselves.

#include "acre/jit.h"

#include <algorithm>
#include <cstring>

#include "runtime/thread/thread.h"

namespace {

using acre::rt::kClasses;

static_assert(sizeof(acre_gap) == 32 && offsetof(acre_gap, cursor) == 0);
static_assert(ACRE_GAPS_PER_KIND == acre::rt::kSizeClasses &&
              ACRE_SIZE_CLASSES == acre::rt::kSizeClasses);
static_assert(ACRE_JIT_GRANULE == acre::rt::kGranuleBytes);

void fill(acre_jit_facts* facts) {
  facts->version = ACRE_JIT_VERSION;
  facts->inline_bytes = ACRE_INLINE_BYTES;
  facts->stop_requested = offsetof(acre_thread_inline, stop_requested);
  facts->phase = offsetof(acre_thread_inline, phase);
  facts->locals = offsetof(acre_thread_inline, locals);
  facts->gaps = ACRE_GAPS_OFFSET;
  facts->gaps_per_kind = ACRE_GAPS_PER_KIND;
  facts->gap_bytes = sizeof(acre_gap);
  facts->gap_cursor = offsetof(acre_gap, cursor);
  facts->gap_limit = offsetof(acre_gap, limit);
  facts->local_previous = offsetof(acre_local, previous);
  facts->local_object = offsetof(acre_local, object);
  for (uint64_t i = 0; i <= ACRE_JIT_GRANULES; ++i) {
    facts->classes[i] = acre::rt::class_for(i * ACRE_JIT_GRANULE);
  }
  for (unsigned i = 0; i < ACRE_SIZE_CLASSES; ++i) facts->class_bytes[i] = kClasses[i].bytes;
  facts->alloc = &acre_alloc;
  facts->safepoint_slow = &acre_safepoint_slow;
  facts->store_slow = &acre_store_slow;
  facts->store_phases = &acre_store_phases;
  facts->store_any_slow = &acre_store_any_slow;
}

}  // namespace

extern "C" {

acre_status acre_jit_facts_read(acre_jit_facts* facts) {
  if (facts == nullptr) return ACRE_E_INVALID;
  const size_t wanted = facts->struct_size;
  if (wanted < offsetof(acre_jit_facts, inline_bytes)) return ACRE_E_INVALID;
  acre_jit_facts all{};
  fill(&all);
  all.struct_size = wanted;
  memcpy(facts, &all, std::min(wanted, sizeof(all)));
  return ACRE_OK;
}

}  // extern "C"
