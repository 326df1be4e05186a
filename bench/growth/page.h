// What the HTML pages of the benchmarks share: the style sheet, and text as it may stand in them.
#pragma once

#include <string>

namespace acre::bench {

extern const char* const kPageStyle;

// `text` with the characters that mean something in HTML replaced.
std::string escaped(const std::string& text);

// The local time: "2024-05-31 18:05".
std::string now_text();

}  // namespace acre::bench
