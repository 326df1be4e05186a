// The program acre_cc: Acre by its C++ API.
#include <string>

#include "bench/compare/native/acre_cc_memory.h"
#include "bench/compare/native/acre_version.h"
#include "bench/compare/native/workloads.h"

int main(int argc, char** argv) {
  using namespace acre::compare;
  return run_program(workloads<AcreCc>(), acre_version() + " (C++)", argc, argv);
}
