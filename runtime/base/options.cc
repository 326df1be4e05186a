#include "runtime/base/options.h"

#include <limits.h>
#include <string.h>

#include <bit>

namespace acre::rt {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// `word` is in small letters.
bool is_word(const char* text, const char* word) {
  while (*text != 0 && lower(*text) == *word) {
    ++text;
    ++word;
  }
  return *text == 0 && *word == 0;
}

// Reads digits from *text on and moves it behind them. False: none, or more than 64 bits.
bool parse_digits(const char** text, uint64_t* out) {
  const char* p = *text;
  uint64_t value = 0;
  for (; *p >= '0' && *p <= '9'; ++p) {
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return false;
    if (__builtin_add_overflow(value, static_cast<uint64_t>(*p - '0'), &value)) return false;
  }
  if (p == *text) return false;
  *text = p;
  *out = value;
  return true;
}

struct NamedValue {
  const char* name;
  int value;
};

template <size_t n>
bool parse_named(const char* text, const NamedValue (&names)[n], int* out) {
  for (const NamedValue& named : names) {
    if (!is_word(text, named.name)) continue;
    *out = named.value;
    return true;
  }
  return false;
}

// The first name of a value is the one that is printed.
template <size_t n>
void print_named(Line& line, const NamedValue (&names)[n], int value) {
  for (const NamedValue& named : names) {
    if (named.value != value) continue;
    line << named.name;
    return;
  }
  line << value;
}

constexpr NamedValue kFlagNames[] = {{"1", 1}, {"on", 1},  {"yes", 1}, {"true", 1},
                                     {"0", 0}, {"off", 0}, {"no", 0},  {"false", 0}};
constexpr NamedValue kHugeNames[] = {{"auto", ACRE_HUGE_PAGES_AUTO},
                                     {"always", ACRE_HUGE_PAGES_ALWAYS},
                                     {"never", ACRE_HUGE_PAGES_NEVER}};
constexpr NamedValue kTraceNames[] = {{"gc", ACRE_TRACE_GC}, {"scav", ACRE_TRACE_SCAV}};
constexpr unsigned kAllTraces = ACRE_TRACE_GC | ACRE_TRACE_SCAV;
constexpr NamedValue kPolicyNames[] = {
    {"keep_going", ACRE_LIMIT_KEEP_GOING}, {"raise", ACRE_LIMIT_RAISE}, {"fail", ACRE_LIMIT_FAIL}};

// The formats that rows name: how to read one, how to print one, how to ask for one.
struct BYTES {
  static constexpr const char* kExpected = "a size such as 512MiB or none";
  static bool parse(const char* text, size_t* out) { return parse_bytes(text, out); }
  static void print(Line& line, size_t value) { line << ExactBytes{value}; }
};
struct LIMIT {
  static constexpr const char* kExpected =
      "a size such as 512MiB, a percentage such as 80%, auto or none";
  static bool parse(const char* text, size_t* out) { return parse_limit(text, out); }
  static void print(Line& line, size_t value) {
    if (value == ACRE_LIMIT_AUTO) {
      line << "auto";
    } else if (is_limit_percent(value)) {
      line << limit_percent(value) << "%";
    } else {
      line << ExactBytes{value};
    }
  }
};
struct POLICY {
  static constexpr const char* kExpected = "keep_going, raise or fail";
  static bool parse(const char* text, int* out) { return parse_named(text, kPolicyNames, out); }
  static void print(Line& line, int value) { print_named(line, kPolicyNames, value); }
};
struct INT {
  static constexpr const char* kExpected = "a number such as 100 or off";
  static bool parse(const char* text, int* out) { return parse_int(text, out); }
  static void print(Line& line, int value) { line << value; }
};
struct FLAG {
  static constexpr const char* kExpected = "1, on, yes, true or 0, off, no, false";
  static bool parse(const char* text, int* out) { return parse_flag(text, out); }
  static void print(Line& line, int value) { print_named(line, kFlagNames, value); }
};
struct HUGE {
  static constexpr const char* kExpected = "auto, always or never";
  static bool parse(const char* text, int* out) { return parse_huge_pages(text, out); }
  static void print(Line& line, int value) { print_named(line, kHugeNames, value); }
};
struct TRACE {
  static constexpr const char* kExpected = "a list of the words gc and scav, or none";
  static bool parse(const char* text, unsigned* out) { return parse_trace(text, out); }
  static void print(Line& line, unsigned value) {
    const char* separator = "";
    for (const NamedValue& named : kTraceNames) {
      if ((value & static_cast<unsigned>(named.value)) == 0) continue;
      line << separator << named.name;
      separator = ",";
    }
    if (*separator == 0) line << "none";
  }
};

// ACRE_GC_PERCENT of gc_percent, made by the compiler.
constexpr size_t kMaxVariable = 40;
struct Variable {
  char text[kMaxVariable] = {};
};
template <size_t n>
consteval Variable variable_of(const char (&name)[n]) {
  static_assert(n + 5 <= kMaxVariable);
  Variable variable;
  char* out = variable.text;
  for (char c : {'A', 'C', 'R', 'E', '_'}) *out++ = c;
  for (size_t i = 0; i + 1 < n; ++i) {
    *out++ = name[i] >= 'a' && name[i] <= 'z' ? static_cast<char>(name[i] - 'a' + 'A') : name[i];
  }
  return variable;
}

#define ACRE_OPTION(type, name, format, value, doc) \
  constexpr Variable kVariable_##name = variable_of(#name);
#include <acre/options.def>
#undef ACRE_OPTION

constexpr OptionRow kRows[] = {
#define ACRE_OPTION(type, name, format, value, doc)                                     \
  {#name,                                                                               \
   kVariable_##name.text,                                                               \
   format::kExpected,                                                                   \
   doc,                                                                                 \
   offsetof(acre_options, name),                                                        \
   sizeof(type),                                                                        \
   [](const char* text, acre_options* out) { return format::parse(text, &out->name); }, \
   [](const acre_options& options, Line& line) { format::print(line, options.name); }},
#include <acre/options.def>
#undef ACRE_OPTION
};

// Makes flags 0 or 1 and the rest as options.h promises. False: not every value can be; *why says
// which.
bool bring_into_range(acre_options* options, Line& why) {
  const auto require = [&](bool condition, const char* complaint) {
    if (!condition && why.length() == 0) why << complaint;
  };
  require(options->reserve_bytes >= kMinReserveBytes, "reserve_bytes is less than 64MiB");
  require(options->mark_threads >= 0, "mark_threads is negative");
  require(options->gc_every >= 0, "gc_every is negative");
  require(
      options->huge_pages >= ACRE_HUGE_PAGES_AUTO && options->huge_pages <= ACRE_HUGE_PAGES_NEVER,
      "huge_pages is none of auto, always, never");
  require((options->trace & ~kAllTraces) == 0, "trace has a bit that stands for nothing");
  require(
      options->limit_policy >= ACRE_LIMIT_KEEP_GOING && options->limit_policy <= ACRE_LIMIT_FAIL,
      "limit_policy is none of keep_going, raise, fail");
  // Which of them can stop a thread is for runtime/os to say, when one is to be stopped so.
  require(options->stop_signal >= 1 && options->stop_signal <= 64,
          "stop_signal is none of 1 to 64");
  require(options->check_barriers >= 0 && options->check_barriers <= 2,
          "check_barriers is none of 0, 1, 2");
  if (why.length() != 0) return false;

  if (options->reserve_bytes > kMaxReserveBytes) options->reserve_bytes = kMaxReserveBytes;
  options->reserve_bytes = std::bit_floor(options->reserve_bytes);
  if (options->memory_limit == 0) options->memory_limit = ACRE_NO_LIMIT;
  if (options->idle_collect_ms < 0) options->idle_collect_ms = 0;
  if (options->stop_watchdog_ms < 0) options->stop_watchdog_ms = 0;
  if (options->hard_limit == 0) options->hard_limit = ACRE_NO_LIMIT;
  for (int* flag : {&options->conservative_stacks, &options->scavenger, &options->clobber_free,
                    &options->verify, &options->release_lazily, &options->audit_roots,
                    &options->collect_at_polls}) {
    *flag = *flag != 0 ? 1 : 0;
  }
  return true;
}

bool all_zero(const char* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

void tell(const Line& line, acre_report_fn report, void* arg) {
  if (report != nullptr) {
    report(line.c_str(), arg);
  } else {
    write_stderr(line);
  }
}

}  // namespace

std::span<const OptionRow> option_rows() { return kRows; }

void options_defaults(acre_options* out) {
  memset(out, 0, sizeof(*out));
  out->struct_size = sizeof(*out);
#define ACRE_OPTION(type, name, format, value, doc) out->name = value;
#include <acre/options.def>
#undef ACRE_OPTION
}

void options_from_environment(acre_options* options, GetEnv get, acre_report_fn report, void* arg) {
  for (const OptionRow& row : kRows) {
    const char* text = get(row.variable);
    if (text == nullptr) continue;
    acre_options changed = *options;
    const bool parsed = row.parse(text, &changed);
    Line why;
    if (parsed && bring_into_range(&changed, why)) {
      *options = changed;
      continue;
    }
    Line line;
    line << "acre: " << row.variable << "=" << Quoted{text} << ": ";
    if (parsed) {
      line << why.c_str();
    } else {
      line << "not " << row.expected;
    }
    line << "; using the default ";
    row.print(*options, line);
    tell(line, report, arg);
  }
}

acre_status options_normalise(const acre_options* user, acre_options* out, Line* why) {
  Line ignored;
  Line& reason = why != nullptr ? *why : ignored;
  reason.clear();
  // Larger than any version's will be: the field was never set, and reading so far may fault.
  constexpr size_t kAbsurd = 4096;
  const size_t theirs = user->struct_size;
  if (theirs < sizeof(user->struct_size) || theirs > kAbsurd) {
    reason << "struct_size is " << theirs << ", but acre_options has " << sizeof(*out) << " bytes";
    return ACRE_E_INVALID;
  }
  const auto* bytes = reinterpret_cast<const char*>(user);
  if (theirs > sizeof(*out) && !all_zero(bytes + sizeof(*out), theirs - sizeof(*out))) {
    reason << "options of a newer version are set";
    return ACRE_E_INVALID;
  }
  options_defaults(out);
  for (const OptionRow& row : kRows) {
    if (row.offset + row.size > theirs) continue;
    memcpy(reinterpret_cast<char*>(out) + row.offset, bytes + row.offset, row.size);
  }
  return bring_into_range(out, reason) ? ACRE_OK : ACRE_E_INVALID;
}

void options_help(acre_report_fn report, void* arg) {
  acre_options defaults;
  options_defaults(&defaults);
  for (const OptionRow& row : kRows) {
    Line line;
    line << row.variable << " (default ";
    row.print(defaults, line);
    line << "): " << row.doc;
    tell(line, report, arg);
  }
}

bool parse_bytes(const char* text, size_t* out) {
  if (is_word(text, "none")) {
    *out = ACRE_NO_LIMIT;
    return true;
  }
  uint64_t value = 0;
  if (!parse_digits(&text, &value)) return false;
  constexpr struct {
    const char* suffix;
    unsigned shift;
  } kSuffixes[] = {{"", 0}, {"b", 0}, {"kib", 10}, {"mib", 20}, {"gib", 30}, {"tib", 40}};
  for (const auto& [suffix, shift] : kSuffixes) {
    if (!is_word(text, suffix)) continue;
    if (value > SIZE_MAX >> shift) return false;
    *out = static_cast<size_t>(value << shift);
    return true;
  }
  return false;
}

bool parse_limit(const char* text, size_t* out) {
  if (is_word(text, "auto")) {
    *out = ACRE_LIMIT_AUTO;
    return true;
  }
  const char* rest = text;
  uint64_t percent = 0;
  if (!parse_digits(&rest, &percent) || !is_word(rest, "%")) return parse_bytes(text, out);
  if (percent == 0 || percent > 100) return false;
  *out = ACRE_LIMIT_PERCENT(percent);
  return true;
}

bool parse_int(const char* text, int* out) {
  if (is_word(text, "off")) {
    *out = -1;
    return true;
  }
  const bool negative = *text == '-';
  if (negative) ++text;
  uint64_t value = 0;
  if (!parse_digits(&text, &value) || *text != 0) return false;
  if (value > static_cast<uint64_t>(INT_MAX) + (negative ? 1 : 0)) return false;
  const auto number = static_cast<int64_t>(value);
  *out = static_cast<int>(negative ? -number : number);
  return true;
}

bool parse_flag(const char* text, int* out) { return parse_named(text, kFlagNames, out); }

bool parse_huge_pages(const char* text, int* out) { return parse_named(text, kHugeNames, out); }

bool parse_trace(const char* text, unsigned* out) {
  if (is_word(text, "none")) {
    *out = 0;
    return true;
  }
  unsigned traces = 0;
  for (;;) {
    char word[16];
    size_t length = 0;
    for (; *text != 0 && *text != ','; ++text) {
      if (length + 1 == sizeof(word)) return false;
      word[length++] = *text;
    }
    word[length] = 0;
    int value = 0;
    if (!parse_named(word, kTraceNames, &value)) return false;
    traces |= static_cast<unsigned>(value);
    if (*text == 0) break;
    ++text;
  }
  *out = traces;
  return true;
}

}  // namespace acre::rt
