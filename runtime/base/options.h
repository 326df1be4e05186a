// Owns the options of a heap, inside: defaults, environment, validity. The table is
// <acre/options.def>; a row there is all it takes to add an option (and a check in options.cc if
// not every value is good).
//
//   1. options_defaults           every field from the table, struct_size of today
//   2. options_from_environment   over that, each variable that is set and good
//   3. options_normalise          at heap creation: what the caller passed, possibly built against
//                                 another version's header, becomes complete options or a status
//
// Invariant: what options_normalise gives is in range: reserve_bytes a power of two from 64 MiB to
// 512 GiB, flags 0 or 1, memory_limit not 0.

#ifndef ACRE_RUNTIME_BASE_OPTIONS_H_
#define ACRE_RUNTIME_BASE_OPTIONS_H_

#include <acre/acre.h>

#include <cstddef>
#include <span>

#include "runtime/base/print.h"
#include "runtime/base/units.h"

namespace acre::rt {

inline constexpr uint64_t kMinReserveBytes = 64 * kMiB;
inline constexpr uint64_t kMaxReserveBytes = 512 * kGiB;

// One row of the table as code.
struct OptionRow {
  const char* name;      // gc_percent
  const char* variable;  // ACRE_GC_PERCENT
  const char* expected;  // ends the sentence "not ..."
  const char* doc;
  size_t offset;  // of the field, and its size
  size_t size;
  bool (*parse)(const char* text, acre_options* out);  // false: *out is as before
  void (*print)(const acre_options& options, Line& line);
};
std::span<const OptionRow> option_rows();

void options_defaults(acre_options* out);

using GetEnv = const char* (*)(const char* name);

// Each variable that does not parse or is out of range gives one line to `report` (nullptr:
// stderr), and its field stays. `options` is complete and in range before and after.
void options_from_environment(acre_options* options, GetEnv get, acre_report_fn report, void* arg);

// nullptr for `user` is not allowed here. A struct_size smaller than today's: the fields that are
// missing take the defaults. Larger: what is beyond must be zero. ACRE_E_INVALID: *out is
// undefined, and *why (may be nullptr) says what is wrong.
acre_status options_normalise(const acre_options* user, acre_options* out, Line* why);

// One line each: variable, default, documentation.
void options_help(acre_report_fn report, void* arg);

// The formats of the table. All are strict: no spaces, no sign but a minus for negative numbers,
// nothing behind; ASCII letters in either case. False: *out is as before.
bool parse_bytes(const char* text, size_t* out);
bool parse_limit(const char* text, size_t* out);  // as parse_bytes, or a percentage, or auto
bool parse_int(const char* text, int* out);
bool parse_flag(const char* text, int* out);
bool parse_huge_pages(const char* text, int* out);
bool parse_trace(const char* text, unsigned* out);

// Of a memory_limit: whether it is ACRE_LIMIT_PERCENT, and of how much.
constexpr bool is_limit_percent(size_t limit) {
  return limit < ACRE_LIMIT_AUTO && limit >= ACRE_LIMIT_PERCENT(100);
}
constexpr uint64_t limit_percent(size_t limit) { return ACRE_LIMIT_AUTO - limit; }

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_OPTIONS_H_
