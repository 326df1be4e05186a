// The findings for other programs. The schema is documented in bench/README.md.
#pragma once

#include <string>

#include "bench/facts/survey.h"

namespace acre::bench {

std::string to_json(const Survey& survey);

}  // namespace acre::bench
