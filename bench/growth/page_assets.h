// The style sheet and the script of the HTML page, as they stand in it.
#pragma once

namespace acre::bench {

extern const char* const kPageStyle;
extern const char* const kPageScript;

}  // namespace acre::bench
