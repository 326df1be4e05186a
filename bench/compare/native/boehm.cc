// The program boehm: the Boehm-Demers-Weiser collector.
#include <string>

#include "bench/compare/native/boehm_memory.h"
#include "bench/compare/native/workloads.h"

namespace {

// Of the library that is loaded, which need not be that of the header.
std::string version() {
  const unsigned packed = GC_get_version();
  return "Boehm GC " + std::to_string(packed >> 16) + "." + std::to_string((packed >> 8) & 0xff) +
         "." + std::to_string(packed & 0xff);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace acre::compare;
  return run_program(workloads<Boehm>(), version(), argc, argv);
}
