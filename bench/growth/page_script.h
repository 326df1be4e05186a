// The script of heap_growth's page, as it stands in it.
#pragma once

namespace acre::bench {

extern const char* const kPageScript;

}  // namespace acre::bench
