// The version of Acre that a program is linked with: it is linked statically, so that of the headers.
#pragma once

#include <acre/acre.h>

#include <string>

namespace acre::compare {

inline std::string acre_version() {
  return "Acre " + std::to_string(ACRE_VERSION_MAJOR) + "." + std::to_string(ACRE_VERSION_MINOR) +
         "." + std::to_string(ACRE_VERSION_PATCH);
}

}  // namespace acre::compare
