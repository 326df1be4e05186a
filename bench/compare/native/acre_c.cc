// The program acre_c: Acre by its C API.
#include <string>

#include "bench/compare/native/acre_c_memory.h"
#include "bench/compare/native/acre_version.h"
#include "bench/compare/native/workloads.h"

int main(int argc, char** argv) {
  using namespace acre::compare;
  return run_program(workloads<AcreC>(), acre_version() + " (C)", argc, argv);
}
