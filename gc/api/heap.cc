// The public calls on status, options and heaps.

#include <cstdlib>

#include "gc/cycle/cycle.h"
#include "runtime/base/options.h"
#include "runtime/base/print.h"

namespace {

const char* environment(const char* name) { return getenv(name); }

}  // namespace

extern "C" {

const char* acre_strerror(acre_status status) {
  switch (status) {
    case ACRE_OK: return "no error";
    case ACRE_E_INVALID: return "an argument is not valid";
    case ACRE_E_NOMEM:
      return "out of memory: the system gives no more, or the heap's address range is full";
    case ACRE_E_ADDRESS_SPACE:
      return "no address space: not even the smallest reservation was granted (see ulimit -v)";
    case ACRE_E_LIMIT:
      return "a fixed limit is reached (kinds, thread-specific keys of the process, or the memory "
             "limit)";
    case ACRE_E_EXCEPTION: return "an exception left the function of a fiber";
    case ACRE_E_STATE: return "not now, or not from this thread";
  }
  return "not a status of Acre";
}

void acre_options_init(acre_options* options) {
  if (options == nullptr) return;
  acre::rt::options_defaults(options);
  acre::rt::options_from_environment(options, &environment, nullptr, nullptr);
}

void acre_options_help(acre_report_fn report, void* arg) {
  if (report != nullptr) acre::rt::options_help(report, arg);
}

acre_status acre_heap_create(const acre_options* options, acre_heap** out) {
  if (out == nullptr) return ACRE_E_INVALID;
  *out = nullptr;
  acre_options from_environment;
  if (options == nullptr) {
    acre_options_init(&from_environment);
    options = &from_environment;
  }
  acre_options complete;
  acre::rt::Line why;
  const acre_status status = acre::rt::options_normalise(options, &complete, &why);
  if (status != ACRE_OK) {
    acre::rt::write_stderr(acre::rt::Line() << "acre: acre_heap_create: " << why.c_str());
    return status;
  }
  return acre_heap::create(complete, nullptr, out);
}

acre_status acre_heap_destroy(acre_heap* heap) {
  const acre::rt::InsideAcre inside;
  return heap == nullptr ? ACRE_OK : heap->destroy();
}

}  // extern "C"
