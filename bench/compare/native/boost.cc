// The program boost: Boost.Context, which has fibers and no heap.
#include <array>
#include <boost/version.hpp>
#include <string>

#include "bench/compare/native/boost_fibers.h"
#include "bench/compare/native/program.h"

int main(int argc, char** argv) {
  using namespace acre::compare;
  static constexpr std::array kWorkloads{
      Workload{"fibers", &Fibers<BoostFibers<WarmStacks>>::run},
      Workload{"fibers_protected", &Fibers<BoostFibers<ProtectedStacks>>::run},
  };
  const std::string version = "Boost.Context " + std::to_string(BOOST_VERSION / 100000) + "." +
                              std::to_string(BOOST_VERSION / 100 % 1000) + "." +
                              std::to_string(BOOST_VERSION % 100);
  return run_program(kWorkloads, version, argc, argv);
}
