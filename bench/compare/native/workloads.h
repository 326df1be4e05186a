// The table of workloads of an interface.
#pragma once

#include <array>

#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"
#include "bench/compare/native/workloads/binary_trees.h"

namespace acre::compare {

template <Memory M>
constexpr std::array kWorkloads{
    Workload{"binary_trees", &BinaryTrees<M>::run},
};

}  // namespace acre::compare
