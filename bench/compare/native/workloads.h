// The workloads of an interface: full collections for those that collect; the kernel's part for malloc.
#pragma once

#include <array>
#include <vector>

#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"
#include "bench/compare/native/workloads/binary_trees.h"
#include "bench/compare/native/workloads/churn.h"
#include "bench/compare/native/workloads/frag.h"
#include "bench/compare/native/workloads/gcbench.h"
#include "bench/compare/native/workloads/graph.h"
#include "bench/compare/native/workloads/grow.h"
#include "bench/compare/native/workloads/grow_raw.h"
#include "bench/compare/native/workloads/large.h"
#include "bench/compare/native/workloads/larson.h"
#include "bench/compare/native/workloads/list.h"
#include "bench/compare/native/workloads/mt_alloc.h"
#include "bench/compare/native/workloads/strings.h"

namespace acre::compare {

// Of every interface.
template <Memory M>
constexpr std::array kAllocating{
    Workload{"binary_trees", &BinaryTrees<M>::run},
    Workload{"gcbench", &GcBench<M>::run},
    Workload{"churn", &Churn<M>::run},
    Workload{"strings", &Strings<M>::run},
    Workload{"grow", &Grow<M>::run},
    Workload{"mt_alloc_1", &MtAlloc<M, 1>::run},
    Workload{"mt_alloc_2", &MtAlloc<M, 2>::run},
    Workload{"larson", &Larson<M>::run},
    Workload{"large", &Large<M>::run},
    Workload{"frag", &Frag<M>::run},
};

template <Memory M>
std::vector<Workload> workloads() {
  std::vector<Workload> all(kAllocating<M>.begin(), kAllocating<M>.end());
  if constexpr (M::kFrees) {
    all.push_back({"grow_raw", &GrowRaw::run});
    all.push_back({"grow_raw_huge", &GrowRaw::run_huge});
  } else {
    all.push_back({"graph", &Graph<M>::run});
    all.push_back({"list", &List<M>::run});
  }
  return all;
}

}  // namespace acre::compare
