// The program acre_cc: Acre by its C++ API.
#include <string>
#include <vector>

#include "bench/compare/native/acre_cc_fibers.h"
#include "bench/compare/native/acre_cc_memory.h"
#include "bench/compare/native/acre_lua.h"
#include "bench/compare/native/acre_version.h"
#include "bench/compare/native/workloads.h"
#include "bench/compare/native/workloads/lua.h"

int main(int argc, char** argv) {
  using namespace acre::compare;
  std::vector<Workload> all = workloads<AcreCc>();
  all.push_back({"fibers", &Fibers<AcreCcFibers>::run});
  all.insert(all.end(), kLuaWorkloads<AcreLua>.begin(), kLuaWorkloads<AcreLua>.end());
  return run_program(all, acre_version() + " (C++)", argc, argv);
}
