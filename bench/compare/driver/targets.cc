#include "bench/compare/driver/targets.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

enum class Quantity {
  kTime,             // the other's seconds / Acre's
  kTimeAgainst,      // Acre's seconds / the other's
  kPeakAgainst,      // Acre's peak resident / the other's
  kPeakLive,         // Acre's peak resident / live
  kPeakLiveAgainst,  // that / the other's peak resident / live
  kPhase,            // the other's nanoseconds in a phase / Acre's
  kPhaseAgainst,     // Acre's nanoseconds in a phase / the other's
  kScaling,          // of Acre from one thread to two
};

struct Rule {
  const char* workload;
  Quantity quantity;
  const char* other;
  double bound;
  const char* phase = "";
};

using enum Quantity;

constexpr Rule kRules[] = {
    {"binary_trees", kTime, "go", 5},
    {"binary_trees", kTime, "boehm", 3},
    {"binary_trees", kTime, "jemalloc", 1.5},
    {"binary_trees", kTime, "mimalloc", 1},
    {"binary_trees", kTime, "tcmalloc", 1},
    {"binary_trees", kTime, "java_serial", 1},
    {"binary_trees", kPeakAgainst, "go", 1},
    {"gcbench", kTime, "boehm", 3},
    {"gcbench", kTime, "go", 3},
    {"churn", kTime, "mimalloc", 1},
    {"churn", kTime, "go", 2},
    {"churn", kTime, "boehm", 2},
    {"strings", kTime, "mimalloc", 1},
    {"strings", kTime, "go", 2},
    {"strings", kTime, "boehm", 2},
    {"graph", kTime, "boehm", 2},
    {"graph", kTime, "go", 2},
    {"graph", kTime, "acre_1mark", 1.7},
    {"list", kTime, "boehm", 2},
    {"list", kTime, "go", 2},
    {"grow", kTime, "go", 2},
    {"grow", kTime, "boehm", 1},
    {"grow", kTimeAgainst, "raw", 1.3},
    {"grow", kPeakLive, "", 1.05},
    {"mt_alloc_1", kTime, "go", 1},
    {"mt_alloc_1", kTime, "boehm", 1},
    {"mt_alloc_2", kTime, "go", 1},
    {"mt_alloc_2", kTime, "boehm", 1},
    {"mt_alloc_2", kScaling, "", 1.85},
    {"larson", kTime, "jemalloc", 1},
    {"larson", kTime, "go", 1},
    {"larson", kTime, "boehm", 1},
    {"large", kTime, "go", 1},
    {"large", kTime, "boehm", 1},
    {"frag", kTime, "go", 1},
    {"frag", kTime, "boehm", 1},
    {"frag", kPeakLiveAgainst, "go", 1},
    {"fibers", kPhaseAgainst, "boost", 1.25, "switch"},
    {"fibers", kPhase, "boost_protected", 5, "create"},
    {"fibers", kPhase, "go", 1, "switch"},
    {"fibers", kPhase, "go_gosched", 1, "switch"},
    {"lua_trees", kTimeAgainst, "glibc", 1.1},
    {"lua_trees", kTimeAgainst, "mimalloc", 1.2},
    {"lua_strings", kTimeAgainst, "glibc", 1.1},
    {"lua_strings", kTimeAgainst, "mimalloc", 1.2},
    {"lua_tables", kTimeAgainst, "glibc", 1.1},
    {"lua_tables", kTimeAgainst, "mimalloc", 1.2},
    {"lua_closures", kTimeAgainst, "glibc", 1.1},
    {"lua_closures", kTimeAgainst, "mimalloc", 1.2},
    {"lua_json", kTimeAgainst, "glibc", 1.1},
    {"lua_json", kTimeAgainst, "mimalloc", 1.2},
    {"lua_nbody", kTimeAgainst, "glibc", 1.1},
    {"lua_nbody", kTimeAgainst, "mimalloc", 1.2},
};

std::string words_of(const Rule& rule) {
  switch (rule.quantity) {
    case kTime: return fmt::format("time of {} / acre", rule.other);
    case kTimeAgainst: return fmt::format("time of acre / {}", rule.other);
    case kPeakAgainst: return fmt::format("peak resident of acre / {}", rule.other);
    case kPeakLive: return "peak resident / live of acre";
    case kPeakLiveAgainst: return fmt::format("peak resident / live of acre / {}", rule.other);
    case kPhase: return fmt::format("{}: {} / acre", rule.phase, rule.other);
    case kPhaseAgainst: return fmt::format("{}: acre / {}", rule.phase, rule.other);
    case kScaling: break;
  }
  return "2 x time of mt_alloc_1 / mt_alloc_2 of acre";
}

// 0 if it was not measured.
double value_of(const Rule& rule, const std::vector<Result>& results) {
  const Result* acre = find_good(results, rule.workload, "acre");
  const Result* other = find_good(results, rule.workload, rule.other);
  if (rule.quantity == kScaling) return scaling(results, "acre");
  if (acre == nullptr) return 0;
  if (rule.quantity == kPeakLive) return acre->peak_over_live();
  if (other == nullptr) return 0;
  switch (rule.quantity) {
    case kTime: return ratio(other->seconds, acre->seconds);
    case kTimeAgainst: return ratio(acre->seconds, other->seconds);
    case kPeakAgainst:
      return ratio(static_cast<double>(acre->peak_rss), static_cast<double>(other->peak_rss));
    case kPeakLiveAgainst: return ratio(acre->peak_over_live(), other->peak_over_live());
    case kPhase: return ratio(other->phase_ns(rule.phase), acre->phase_ns(rule.phase));
    case kPhaseAgainst: return ratio(acre->phase_ns(rule.phase), other->phase_ns(rule.phase));
    case kPeakLive:
    case kScaling: break;
  }
  return 0;
}

}  // namespace

std::string Target::bound_text() const {
  return fmt::format("{} {}", at_least ? ">=" : "<=", bound);
}

const char* Target::verdict_text() const {
  switch (verdict) {
    case Verdict::kHolds: return "holds";
    case Verdict::kDoesNotHold: return "does not hold";
    case Verdict::kNotMeasured: break;
  }
  return "not measured";
}

std::vector<Target> judge_targets(const std::vector<Result>& results,
                                  const std::vector<std::string>& workloads, bool quick) {
  std::vector<Target> targets;
  for (const Rule& rule : kRules) {
    if (std::find(workloads.begin(), workloads.end(), rule.workload) == workloads.end()) continue;
    Target target;
    target.workload = rule.workload;
    target.what = words_of(rule);
    target.value = value_of(rule, results);
    target.at_least =
        rule.quantity == kTime || rule.quantity == kPhase || rule.quantity == kScaling;
    target.bound = rule.bound;
    if (target.value > 0 && !quick) {
      const bool holds =
          target.at_least ? target.value >= target.bound : target.value <= target.bound;
      target.verdict = holds ? Verdict::kHolds : Verdict::kDoesNotHold;
    }
    targets.push_back(target);
  }
  return targets;
}

}  // namespace acre::bench
