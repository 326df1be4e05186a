#include "runtime/base/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/print.h"

namespace acre::rt {

void check_failed(const char* condition, const char* message, const char* file, int line) {
  Line text;
  text << "acre: check failed: " << message << ": " << condition << " at " << file << ":" << line
       << " (process " << getpid() << ", thread " << gettid() << ")";
  write_stderr(text);
  abort();
}

}  // namespace acre::rt
