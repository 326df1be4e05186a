// The figures as one self-contained page: no script, font or picture from elsewhere.
#pragma once

#include <string>

#include "bench/growth/outcome.h"

namespace acre::bench {

std::string to_html(const Outcome& outcome);

}  // namespace acre::bench
