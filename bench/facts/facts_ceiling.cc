// How many mappings a process may have, and what works when it has them all.
//
// Everything is done first and put into words afterwards: at the ceiling malloc need not work.
#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

#include "bench/facts/ceiling.h"
#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"

namespace acre::bench {
namespace {

constexpr std::size_t kVictim = 4 * kMiB;
constexpr std::size_t kReserved = 64 * kMiB;
constexpr std::size_t kStep = kMiB;
constexpr std::int64_t kSteps = kReserved / kStep - 2;

// Calls at the ceiling: 0 or errno of each.
struct AtCeiling {
  int map = 0;
  int protect_middle = 0;
  int advise_middle = 0;
  int unmap_middle = 0;
  std::int64_t count_after_refusals = 0;
  bool victim_kept = false;

  int release_middle = 0;
  std::int64_t victim_resident = 0;
  int guard_middle = 0;
  std::int64_t grown = 0;
  std::int64_t count_after_growth = 0;
  int unmap_back = 0;
  int map_over = 0;
  int unmap_whole = 0;
  int map_again = 0;
};

void try_what_is_refused(AtCeiling& at, char* victim, char* place) {
  at.map = map_at(place, page_bytes(), kReadWrite);
  at.protect_middle = protect(victim + kMiB, kMiB, PROT_NONE);
  at.advise_middle = advise(victim + kMiB, kMiB, MADV_NOHUGEPAGE);
  at.unmap_middle = unmap(victim + kMiB, kMiB);
  at.count_after_refusals = mapping_count();
  at.victim_kept = all_bytes_are(victim, kVictim, 7);
}

void try_what_works(AtCeiling& at, char* victim, char* reserved, char* spare, char* place) {
  at.release_middle = advise(victim + kMiB, kMiB, MADV_DONTNEED);
  at.victim_resident = resident_by_mincore(victim, kVictim);
  at.guard_middle = advise(victim + 2 * kMiB, page_bytes(), kAdviceGuardInstall);
  for (; at.grown < kSteps; ++at.grown) {
    char* step = reserved + static_cast<std::size_t>(at.grown + 1) * kStep;
    if (protect(step, kStep, kReadWrite) != 0) break;
    touch_pages(step, kStep);
  }
  at.count_after_growth = mapping_count();
  at.unmap_back = unmap(victim + 3 * kMiB, kMiB);
  at.map_over = map_at(spare, kMiB, kReadWrite);
  at.unmap_whole = unmap(spare, kMiB);
  at.map_again = map_at(place, page_bytes(), kReadWrite);
}

void report_height(Findings& findings, const Ceiling& ceiling, std::int64_t limit) {
  const std::int64_t by_mprotect = ceiling.count_by_mprotect();
  const std::int64_t by_mmap = ceiling.count_by_mmap();
  findings.judge(
      "a process may have vm.max_map_count mappings, give or take two",
      fmt::format("vm.max_map_count is {}; alternating protection ended at {} mappings with {}, "
                  "then mmap at {} with {}",
                  limit, by_mprotect, result_text(ceiling.error_by_mprotect()), by_mmap,
                  result_text(ceiling.error_by_mmap())),
      std::abs(by_mprotect - limit) <= 2 && std::abs(by_mmap - limit) <= 2 &&
          ceiling.error_by_mprotect() == ENOMEM && ceiling.error_by_mmap() == ENOMEM,
      {{"max_map_count", limit},
       {"mappings_by_mprotect", by_mprotect},
       {"mappings_by_mmap", by_mmap}});
}

void report_refusals(Findings& findings, const AtCeiling& at, std::int64_t count) {
  const bool advice_known = at.advise_middle != EINVAL;
  findings.judge(
      "at the ceiling what needs one more mapping is refused, and nothing is changed: mmap, and "
      "mprotect, munmap, MADV_NOHUGEPAGE in the middle of a mapping",
      fmt::format("mmap {}; mprotect {}; munmap {}; MADV_NOHUGEPAGE {}; mappings {} before, {} "
                  "after; the content is {}",
                  result_text(at.map), result_text(at.protect_middle), result_text(at.unmap_middle),
                  advice_known ? result_text(at.advise_middle) : "not in this kernel", count,
                  at.count_after_refusals, at.victim_kept ? "kept" : "NOT kept"),
      at.map == ENOMEM && at.protect_middle == ENOMEM && at.unmap_middle == ENOMEM &&
          at.advise_middle != 0 && at.count_after_refusals == count && at.victim_kept);
}

void report_what_works(Findings& findings, const AtCeiling& at, std::int64_t count) {
  const auto left = static_cast<std::int64_t>(kVictim - kMiB);
  findings.judge(
      "at the ceiling MADV_DONTNEED in the middle of a mapping gives memory back as ever",
      fmt::format("{}; resident {} of 4 MiB after 1 MiB was given back",
                  result_text(at.release_middle), size_text(at.victim_resident)),
      at.release_middle == 0 && at.victim_resident == left);
  findings.judge("at the ceiling the read-write front of a reservation grows at its border",
                 fmt::format("{} of {} steps of 1 MiB, each written; mappings {} before, {} after",
                             at.grown, kSteps, count, at.count_after_growth),
                 at.grown == kSteps && at.count_after_growth == count, {{"steps", at.grown}});
  const std::string guard_claim = "at the ceiling MADV_GUARD_INSTALL works";
  if (at.guard_middle == EINVAL) {
    findings.not_applicable(guard_claim, "this kernel does not have it (Linux 6.13)");
  } else {
    findings.judge(guard_claim, result_text(at.guard_middle), at.guard_middle == 0);
  }
  findings.judge(
      "at the ceiling munmap works where it splits nothing: the back of a mapping, a whole one, "
      "after which mmap works again",
      fmt::format("back {}; whole {}; mmap then {}", result_text(at.unmap_back),
                  result_text(at.unmap_whole), result_text(at.map_again)),
      at.unmap_back == 0 && at.unmap_whole == 0 && at.map_again == 0);
  findings.measured("at the ceiling MAP_FIXED over a whole mapping, which needs no further one",
                    result_text(at.map_over));
}

}  // namespace

void fact_ceiling(Findings& findings) {
  small_pages_only();
  const std::int64_t limit = read_kernel_settings().max_map_count;
  if (limit < 0 || limit > kMostMappings) {
    findings.not_applicable("how many mappings a process may have, and what works then",
                            fmt::format("vm.max_map_count is {}: too many to make here", limit));
    return;
  }
  char* victim = make_zone(kVictim);
  fill(victim, kVictim, 7);
  char* reserved = make_zone(kReserved, PROT_NONE, MAP_NORESERVE);
  protect(reserved, kStep, kReadWrite);
  touch_pages(reserved, kStep);
  char* spare = make_zone(kMiB);
  touch_pages(spare, kMiB);
  Ceiling ceiling(limit);
  AtCeiling at;
  ceiling.fill();
  try_what_is_refused(at, victim, ceiling.free_place());
  try_what_works(at, victim, reserved, spare, ceiling.free_place());
  ceiling.empty();
  report_height(findings, ceiling, limit);
  report_refusals(findings, at, ceiling.count_by_mmap());
  report_what_works(findings, at, ceiling.count_by_mmap());
}

}  // namespace acre::bench
