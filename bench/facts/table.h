// The findings as text.
#pragma once

#include <string>

#include "bench/facts/survey.h"

namespace acre::bench {

std::string survey_text(const Survey& survey);
std::string list_text();  // of the facts that there are

}  // namespace acre::bench
