// Builds Go's and Java's programs from their sources with what the machine has.
#pragma once

#include <string>
#include <vector>

#include "bench/compare/driver/settings.h"

namespace acre::bench {

struct Built {
  std::vector<std::string> words;  // how to start it; empty if there is none
  std::string reason;              // why there is none
  bool broken = false;  // the tools are there, or were pointed to, and it could not be built
};

// By $GO, or `go` in PATH. Nothing is downloaded.
Built build_go(const CompareSettings& settings);

// By $JAVA_HOME, or `java` and `javac` in PATH. The last word is the main class.
Built build_java(const CompareSettings& settings);

}  // namespace acre::bench
