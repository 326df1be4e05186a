// The facts, by the file that has them. The catalogue says what each is about.
#pragma once

#include "bench/facts/fact.h"

namespace acre::bench {

// facts_mapping.cc
void fact_mapping_cost(Findings& findings);
void fact_map_over(Findings& findings);
// facts_unmap.cc
void fact_munmap(Findings& findings);
// facts_reserve.cc
void fact_reserve(Findings& findings);
void fact_border(Findings& findings);
// facts_release.cc
void fact_dontneed(Findings& findings);
void fact_free(Findings& findings);
void fact_protect_none(Findings& findings);
void fact_map_none(Findings& findings);
void fact_locked(Findings& findings);
void fact_populate(Findings& findings);
// facts_huge.cc
void fact_first_touch(Findings& findings);
void fact_untouched(Findings& findings);
// facts_huge_part.cc
void fact_huge_part(Findings& findings);
void fact_collapse(Findings& findings);
// facts_vma.cc
void fact_vma_advice(Findings& findings);
void fact_guards(Findings& findings);
// facts_ceiling.cc
void fact_ceiling(Findings& findings);

}  // namespace acre::bench
