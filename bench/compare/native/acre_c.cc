// The program acre_c: Acre by its C API.
#include <string>
#include <vector>

#include "bench/compare/native/acre_c_fibers.h"
#include "bench/compare/native/acre_c_memory.h"
#include "bench/compare/native/acre_version.h"
#include "bench/compare/native/workloads.h"

int main(int argc, char** argv) {
  using namespace acre::compare;
  std::vector<Workload> all = workloads<AcreC>();
  all.push_back({"fibers", &Fibers<AcreCFibers>::run});
  return run_program(all, acre_version() + " (C)", argc, argv);
}
