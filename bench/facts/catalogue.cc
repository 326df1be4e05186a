#include "bench/facts/catalogue.h"

#include "bench/facts/facts.h"

namespace acre::bench {
namespace {

constexpr bool kHeapRelies = true;
constexpr bool kGoodToKnow = false;

// clang-format off
constexpr Fact kFacts[] = {
    {"mapping_cost", "what mmap costs before anything is touched", kHeapRelies, fact_mapping_cost},
    {"map_over", "mapping again over a mapping", kHeapRelies, fact_map_over},
    {"munmap", "what munmap takes and what it refuses", kHeapRelies, fact_munmap},
    {"reserve", "reserving 512 GiB and mapping parts read-write", kHeapRelies, fact_reserve},
    {"border", "a read-write part that grows at its border", kHeapRelies, fact_border},
    {"untouched", "what appears in a mapping without a touch", kHeapRelies, fact_untouched},
    {kFirstTouch, "what the first touch takes, by the settings of huge pages", kHeapRelies, fact_first_touch},
    {"dontneed", "MADV_DONTNEED", kHeapRelies, fact_dontneed},
    {"free", "MADV_FREE", kHeapRelies, fact_free},
    {"protect_none", "mprotect(PROT_NONE)", kGoodToKnow, fact_protect_none},
    {"map_none", "mmap(MAP_FIXED, PROT_NONE)", kHeapRelies, fact_map_none},
    {"locked", "locked memory", kGoodToKnow, fact_locked},
    {"populate", "memory taken ahead of the touch", kHeapRelies, fact_populate},
    {"huge_part", "giving back parts of huge pages", kHeapRelies, fact_huge_part},
    {"collapse", "making a huge page of small ones", kGoodToKnow, fact_collapse},
    {"vma_advice", "what cuts a mapping in pieces", kHeapRelies, fact_vma_advice},
    {"guards", "guard pages", kGoodToKnow, fact_guards},
    {"ceiling", "how many mappings a process may have, and what works then", kHeapRelies, fact_ceiling},
};
// clang-format on

}  // namespace

std::span<const Fact> catalogue() { return kFacts; }

const Fact* find_fact(std::string_view id) {
  for (const Fact& fact : kFacts) {
    if (id == fact.id) return &fact;
  }
  return nullptr;
}

}  // namespace acre::bench
