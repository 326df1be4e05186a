#include "runtime/base/options.h"

#include <limits.h>
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/runtime/base/forked_child.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)

namespace {

std::map<std::string, std::string> environment;

const char* get_variable(const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : found->second.c_str();
}

void collect_line(const char* line, void* lines) {
  static_cast<std::vector<std::string>*>(lines)->emplace_back(line);
}

struct FromEnvironment {
  acre_options options;
  std::vector<std::string> lines;
};

FromEnvironment read_environment(std::map<std::string, std::string> variables) {
  environment = std::move(variables);
  FromEnvironment result;
  options_defaults(&result.options);
  options_from_environment(&result.options, get_variable, collect_line, &result.lines);
  return result;
}

acre_options defaults() {
  acre_options options;
  options_defaults(&options);
  return options;
}

bool equal_fields(const acre_options& a, const acre_options& b) {
  for (const OptionRow& row : option_rows()) {
    const auto* one = reinterpret_cast<const char*>(&a) + row.offset;
    const auto* other = reinterpret_cast<const char*>(&b) + row.offset;
    if (std::memcmp(one, other, row.size) != 0) return false;
  }
  return a.struct_size == b.struct_size;
}

struct Normalised {
  acre_status status;
  acre_options options;
  std::string why;
};

Normalised normalise(const acre_options& user) {
  Normalised result;
  Line why;
  result.status = options_normalise(&user, &result.options, &why);
  result.why = why.c_str();
  return result;
}

bool is_capital_of(char capital, char c) {
  return capital == (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(option_formats)

BOOST_AUTO_TEST_CASE(sizes_that_parse) {
  const struct {
    const char* text;
    size_t bytes;
  } kRows[] = {
      {"0", 0},
      {"5", 5},
      {"5B", 5},
      {"007", 7},
      {"1KiB", kKiB},
      {"512MiB", 512 * kMiB},
      {"512mib", 512 * kMiB},
      {"2GIB", 2 * kGiB},
      {"3TiB", 3 * 1024 * kGiB},
      {"16777215TiB", size_t{16777215} << 40},
      {"18446744073709551614", SIZE_MAX - 1},
      {"18446744073709551615", ACRE_NO_LIMIT},
      {"none", ACRE_NO_LIMIT},
      {"None", ACRE_NO_LIMIT},
  };
  for (const auto& row : kRows) {
    size_t bytes = 1;
    BOOST_TEST_CONTEXT(row.text) {
      BOOST_TEST(parse_bytes(row.text, &bytes));
      BOOST_TEST(bytes == row.bytes);
    }
  }
}

BOOST_AUTO_TEST_CASE(sizes_that_do_not_parse_leave_the_value) {
  for (const char* text : {"",
                           " ",
                           "lots",
                           "-1",
                           "+5",
                           " 5",
                           "5 ",
                           "5 MiB",
                           "2GiBx",
                           "2G",
                           "2K",
                           "2M",
                           "1.5GiB",
                           "0x10",
                           "MiB",
                           "16EiB",
                           "16777216TiB",
                           "18446744073709551616",
                           "99999999999999999999999",
                           "17179869184GiB",
                           "nonesuch",
                           "non",
                           "5none",
                           "1,000"}) {
    size_t bytes = 77;
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_bytes(text, &bytes));
      BOOST_TEST(bytes == 77u);
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_parse) {
  const struct {
    const char* text;
    int number;
  } kRows[] = {{"0", 0},
               {"-0", 0},
               {"100", 100},
               {"-1", -1},
               {"off", -1},
               {"OFF", -1},
               {"2147483647", INT_MAX},
               {"-2147483648", INT_MIN}};
  for (const auto& row : kRows) {
    int number = 77;
    BOOST_TEST_CONTEXT(row.text) {
      BOOST_TEST(parse_int(row.text, &number));
      BOOST_TEST(number == row.number);
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_do_not_parse_leave_the_value) {
  for (const char* text : {"", "-", "--1", "+1", " 1", "1 ", "1%", "on", "offf", "2147483648",
                           "-2147483649", "18446744073709551617", "1e3"}) {
    int number = 77;
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_int(text, &number));
      BOOST_TEST(number == 77);
    }
  }
}

BOOST_AUTO_TEST_CASE(flags_have_four_words_each_way) {
  int flag = 77;
  for (const char* text : {"1", "on", "yes", "true", "TRUE", "On"}) {
    BOOST_TEST((parse_flag(text, &flag) && flag == 1), text);
  }
  for (const char* text : {"0", "off", "no", "false", "False"}) {
    BOOST_TEST((parse_flag(text, &flag) && flag == 0), text);
  }
  flag = 77;
  for (const char* text : {"", "2", "-1", "y", "on ", "enabled"}) {
    BOOST_TEST((!parse_flag(text, &flag) && flag == 77), text);
  }
}

BOOST_AUTO_TEST_CASE(huge_pages_are_auto_always_or_never) {
  int value = 77;
  BOOST_TEST((parse_huge_pages("auto", &value) && value == ACRE_HUGE_PAGES_AUTO));
  BOOST_TEST((parse_huge_pages("ALWAYS", &value) && value == ACRE_HUGE_PAGES_ALWAYS));
  BOOST_TEST((parse_huge_pages("never", &value) && value == ACRE_HUGE_PAGES_NEVER));
  BOOST_TEST(!parse_huge_pages("1", &value));
  BOOST_TEST(!parse_huge_pages("", &value));
}

BOOST_AUTO_TEST_CASE(a_memory_limit_may_be_a_share) {
  size_t value = 77;
  BOOST_TEST((parse_limit("2GiB", &value) && value == 2 * kGiB));
  BOOST_TEST((parse_limit("none", &value) && value == ACRE_NO_LIMIT));
  BOOST_TEST((parse_limit("Auto", &value) && value == ACRE_LIMIT_AUTO));
  BOOST_TEST((parse_limit("1%", &value) && value == ACRE_LIMIT_PERCENT(1)));
  BOOST_TEST(is_limit_percent(value));
  BOOST_TEST(limit_percent(value) == 1u);
  BOOST_TEST((parse_limit("100%", &value) && value == ACRE_LIMIT_PERCENT(100)));
  BOOST_TEST(limit_percent(value) == 100u);
  value = 77;
  for (const char* text :
       {"", "%", "0%", "101%", "80 %", "80%%", "-5%", "autos", "80%MiB", "18446744073709551696%"}) {
    BOOST_TEST(!parse_limit(text, &value), text);
  }
  BOOST_TEST(value == 77u);
  BOOST_TEST(!is_limit_percent(ACRE_NO_LIMIT));
  BOOST_TEST(!is_limit_percent(ACRE_LIMIT_AUTO));
  BOOST_TEST(!is_limit_percent(ACRE_LIMIT_PERCENT(100) - 1));
}

BOOST_AUTO_TEST_CASE(traces_are_a_list_of_words) {
  unsigned value = 77;
  BOOST_TEST((parse_trace("gc", &value) && value == ACRE_TRACE_GC));
  BOOST_TEST((parse_trace("gc,GC", &value) && value == ACRE_TRACE_GC));
  BOOST_TEST((parse_trace("scav", &value) && value == ACRE_TRACE_SCAV));
  BOOST_TEST((parse_trace("scav,gc", &value) && value == (ACRE_TRACE_SCAV | ACRE_TRACE_GC)));
  BOOST_TEST((parse_trace("none", &value) && value == 0));
  value = 77;
  for (const char* text :
       {"", ",", "gc,", ",gc", "gc,none", "gc gc", "scavenge", "a-word-that-is-longer-than-any"}) {
    BOOST_TEST((!parse_trace(text, &value) && value == 77), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(options_table)

BOOST_AUTO_TEST_CASE(every_row_has_a_name_its_variable_and_a_doc) {
  BOOST_TEST(option_rows().size() >= 11u);
  for (const OptionRow& row : option_rows()) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(std::strlen(row.doc) > 20u);
      BOOST_TEST(std::strlen(row.expected) > 0u);
      const std::string variable = row.variable;
      const std::string name = row.name;
      BOOST_REQUIRE(variable.size() == name.size() + 5);
      BOOST_TEST(variable.substr(0, 5) == "ACRE_");
      for (size_t i = 0; i < name.size(); ++i) {
        BOOST_TEST(is_capital_of(variable[i + 5], name[i]));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_rows_default_prints_as_text_that_parses_to_it) {
  const acre_options expected = defaults();
  for (const OptionRow& row : option_rows()) {
    BOOST_TEST_CONTEXT(row.name) {
      Line text;
      row.print(expected, text);
      acre_options parsed;
      std::memset(&parsed, 0x5a, sizeof(parsed));
      BOOST_TEST(row.parse(text.c_str(), &parsed));
      BOOST_TEST(std::memcmp(reinterpret_cast<const char*>(&parsed) + row.offset,
                             reinterpret_cast<const char*>(&expected) + row.offset, row.size) == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_field_belongs_to_one_row_in_the_order_of_the_struct) {
  size_t end = sizeof(size_t);  // struct_size
  for (const OptionRow& row : option_rows()) {
    BOOST_TEST(row.offset >= end);
    BOOST_TEST(row.offset - end < alignof(acre_options));  // padding only
    end = row.offset + row.size;
  }
  BOOST_TEST(sizeof(acre_options) - end < alignof(acre_options));
}

BOOST_AUTO_TEST_CASE(the_defaults_are_what_the_documentation_says) {
  const acre_options options = defaults();
  BOOST_TEST(options.struct_size == sizeof(acre_options));
  BOOST_TEST(options.reserve_bytes == 512 * kGiB);
  BOOST_TEST(options.gc_percent == 100);
  BOOST_TEST(options.memory_limit == ACRE_NO_LIMIT);
  BOOST_TEST(options.conservative_stacks == 1);
  BOOST_TEST(options.mark_threads == 0);
  BOOST_TEST(options.scavenger == 1);
  BOOST_TEST(options.hard_limit == ACRE_NO_LIMIT);
  BOOST_TEST(options.limit_policy == ACRE_LIMIT_KEEP_GOING);
  BOOST_TEST(options.idle_collect_ms == 120000);
  BOOST_TEST(options.stop_signal == SIGURG);
  BOOST_TEST(options.stop_watchdog_ms == 0);
  BOOST_TEST(options.release_lazily == 0);
  BOOST_TEST(options.huge_pages == ACRE_HUGE_PAGES_AUTO);
  BOOST_TEST(options.trace == 0u);
  BOOST_TEST(options.gc_every == 0);
}

BOOST_AUTO_TEST_CASE(help_is_one_whole_line_for_each_row) {
  std::vector<std::string> lines;
  options_help(collect_line, &lines);
  BOOST_REQUIRE(lines.size() == option_rows().size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const OptionRow& row = option_rows()[i];
    BOOST_TEST(lines[i].rfind(std::string(row.variable) + " (default ", 0) == 0u);
    BOOST_TEST(lines[i].substr(lines[i].size() - std::strlen(row.doc)) == row.doc);
  }
  BOOST_TEST(lines[0].rfind("ACRE_RESERVE_BYTES (default 512GiB): ", 0) == 0u);
  BOOST_TEST(lines[2].rfind("ACRE_MEMORY_LIMIT (default none): ", 0) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(options_environment)

BOOST_AUTO_TEST_CASE(an_empty_environment_changes_and_reports_nothing) {
  const FromEnvironment result = read_environment({});
  const acre_options expected = defaults();
  BOOST_TEST(equal_fields(result.options, expected));
  BOOST_TEST(result.lines.empty());
}

BOOST_AUTO_TEST_CASE(each_variable_sets_its_field) {
  const FromEnvironment result = read_environment({{"ACRE_RESERVE_BYTES", "1GiB"},
                                                   {"ACRE_GC_PERCENT", "off"},
                                                   {"ACRE_MEMORY_LIMIT", "2GiB"},
                                                   {"ACRE_CONSERVATIVE_STACKS", "no"},
                                                   {"ACRE_MARK_THREADS", "4"},
                                                   {"ACRE_SCAVENGER", "0"},
                                                   {"ACRE_HUGE_PAGES", "never"},
                                                   {"ACRE_TRACE", "gc"},
                                                   {"ACRE_GC_EVERY", "17"},
                                                   {"ACRE_CLOBBER_FREE", "1"},
                                                   {"ACRE_VERIFY", "yes"}});
  BOOST_TEST(result.lines.empty());
  BOOST_TEST(result.options.reserve_bytes == kGiB);
  BOOST_TEST(result.options.gc_percent == -1);
  BOOST_TEST(result.options.memory_limit == 2 * kGiB);
  BOOST_TEST(result.options.conservative_stacks == 0);
  BOOST_TEST(result.options.mark_threads == 4);
  BOOST_TEST(result.options.scavenger == 0);
  BOOST_TEST(result.options.huge_pages == ACRE_HUGE_PAGES_NEVER);
  BOOST_TEST(result.options.trace == ACRE_TRACE_GC);
  BOOST_TEST(result.options.gc_every == 17);
  BOOST_TEST(result.options.clobber_free == 1);
  BOOST_TEST(result.options.verify == 1);
}

BOOST_AUTO_TEST_CASE(a_bad_value_is_named_and_the_default_stays) {
  const FromEnvironment result = read_environment(
      {{"ACRE_MEMORY_LIMIT", "lots"}, {"ACRE_GC_PERCENT", "200"}, {"ACRE_SCAVENGER", ""}});
  BOOST_TEST(result.options.memory_limit == ACRE_NO_LIMIT);
  BOOST_TEST(result.options.gc_percent == 200);
  BOOST_TEST(result.options.scavenger == 1);
  BOOST_REQUIRE(result.lines.size() == 2u);
  BOOST_TEST(result.lines[0] ==
             "acre: ACRE_MEMORY_LIMIT=\"lots\": not a size such as 512MiB, a percentage such as "
             "80%, auto or none; "
             "using the default none");
  BOOST_TEST(result.lines[1] ==
             "acre: ACRE_SCAVENGER=\"\": not 1, on, yes, true or 0, off, no, false; "
             "using the default 1");
}

BOOST_AUTO_TEST_CASE(a_value_out_of_range_is_named_and_the_default_stays) {
  const FromEnvironment result = read_environment(
      {{"ACRE_RESERVE_BYTES", "1MiB"}, {"ACRE_MARK_THREADS", "-2"}, {"ACRE_GC_EVERY", "off"}});
  BOOST_TEST(result.options.reserve_bytes == 512 * kGiB);
  BOOST_TEST(result.options.mark_threads == 0);
  BOOST_TEST(result.options.gc_every == 0);
  BOOST_REQUIRE(result.lines.size() == 3u);
  BOOST_TEST(result.lines[0] ==
             "acre: ACRE_RESERVE_BYTES=\"1MiB\": reserve_bytes is less than 64MiB; "
             "using the default 512GiB");
}

BOOST_AUTO_TEST_CASE(a_bad_value_of_any_length_gives_one_whole_line) {
  for (const OptionRow& row : option_rows()) {
    const FromEnvironment result = read_environment({{row.variable, std::string(5000, '\n')}});
    BOOST_REQUIRE(result.lines.size() == 1u);
    BOOST_TEST(acre::test::contains(result.lines[0], "; using the default "));
    BOOST_TEST(!acre::test::contains(result.lines[0], "\n"));
  }
}

BOOST_AUTO_TEST_CASE(without_a_callback_the_report_goes_to_stderr) {
  const acre::test::ChildEnd end = acre::test::in_forked_child([] {
    environment = {{"ACRE_VERIFY", "maybe"}};
    acre_options options = defaults();
    options_from_environment(&options, get_variable, nullptr, nullptr);
    return 0;
  });
  BOOST_TEST(end.exited_with(0));
  BOOST_TEST(end.stderr_text ==
             "acre: ACRE_VERIFY=\"maybe\": not 1, on, yes, true or 0, off, no, false; "
             "using the default 0\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(options_validity)

BOOST_AUTO_TEST_CASE(the_defaults_are_valid_and_stay_as_they_are) {
  const acre_options expected = defaults();
  const Normalised result = normalise(expected);
  BOOST_TEST(result.status == ACRE_OK);
  BOOST_TEST(result.why == "");
  BOOST_TEST(equal_fields(result.options, expected));
}

BOOST_AUTO_TEST_CASE(reserve_bytes_become_a_power_of_two_from_64_mib_to_512_gib) {
  const struct {
    size_t asked;
    size_t got;  // 0: invalid
  } kRows[] = {{0, 0},
               {kMinReserveBytes - 1, 0},
               {kMinReserveBytes, kMinReserveBytes},
               {kMinReserveBytes + 1, kMinReserveBytes},
               {3 * kGiB, 2 * kGiB},
               {kMaxReserveBytes - 1, kMaxReserveBytes / 2},
               {kMaxReserveBytes, kMaxReserveBytes},
               {kMaxReserveBytes * 2, kMaxReserveBytes},
               {SIZE_MAX, kMaxReserveBytes}};
  for (const auto& row : kRows) {
    acre_options user = defaults();
    user.reserve_bytes = row.asked;
    const Normalised result = normalise(user);
    BOOST_TEST_CONTEXT(row.asked) {
      BOOST_TEST(result.status == (row.got == 0 ? ACRE_E_INVALID : ACRE_OK));
      if (row.got != 0) BOOST_TEST(result.options.reserve_bytes == row.got);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_limit_of_zero_is_none_and_flags_become_0_or_1) {
  acre_options user = defaults();
  user.memory_limit = 0;
  user.conservative_stacks = -5;
  user.scavenger = 2;
  user.verify = 256;
  user.gc_percent = INT_MIN;
  const Normalised result = normalise(user);
  BOOST_TEST(result.status == ACRE_OK);
  BOOST_TEST(result.options.memory_limit == ACRE_NO_LIMIT);
  BOOST_TEST(result.options.conservative_stacks == 1);
  BOOST_TEST(result.options.scavenger == 1);
  BOOST_TEST(result.options.verify == 1);
  BOOST_TEST(result.options.gc_percent == INT_MIN);
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_invalid_and_the_reason_is_told) {
  const auto invalid = [](auto change, const char* why) {
    acre_options user = defaults();
    change(user);
    const Normalised result = normalise(user);
    BOOST_TEST(result.status == ACRE_E_INVALID);
    BOOST_TEST(result.why == why);
    acre_options out;
    BOOST_TEST(options_normalise(&user, &out, nullptr) == ACRE_E_INVALID);
  };
  invalid([](acre_options& o) { o.reserve_bytes = 1; }, "reserve_bytes is less than 64MiB");
  invalid([](acre_options& o) { o.mark_threads = -1; }, "mark_threads is negative");
  invalid([](acre_options& o) { o.gc_every = -1; }, "gc_every is negative");
  invalid([](acre_options& o) { o.huge_pages = 3; }, "huge_pages is none of auto, always, never");
  invalid([](acre_options& o) { o.huge_pages = -1; }, "huge_pages is none of auto, always, never");
  invalid([](acre_options& o) { o.trace = 1u << 31; }, "trace has a bit that stands for nothing");
  invalid([](acre_options& o) { o.stop_signal = 0; }, "stop_signal is none of 1 to 64");
  invalid([](acre_options& o) { o.stop_signal = 65; }, "stop_signal is none of 1 to 64");
  invalid([](acre_options& o) { o.struct_size = 0; },
          "struct_size is 0, but acre_options has 112 bytes");
  invalid([](acre_options& o) { o.struct_size = SIZE_MAX; },
          "struct_size is 18446744073709551615, but acre_options has 112 bytes");
}

BOOST_AUTO_TEST_CASE(fields_that_an_older_program_lacks_take_the_defaults) {
  const acre_options expected = defaults();
  for (size_t size = sizeof(size_t); size <= sizeof(acre_options); ++size) {
    // Memory of exactly that size, so that asan sees a read beyond it.
    const std::unique_ptr<char[]> memory(new char[size]);
    acre_options full = defaults();
    full.struct_size = size;
    full.gc_percent = 33;
    full.gc_every = 44;
    std::memcpy(memory.get(), &full, size);
    acre_options out;
    BOOST_REQUIRE(options_normalise(reinterpret_cast<const acre_options*>(memory.get()), &out,
                                    nullptr) == ACRE_OK);
    const auto reaches = [size](size_t end) { return end <= size; };
    BOOST_TEST(out.struct_size == sizeof(acre_options));
    BOOST_TEST(out.gc_percent == (reaches(offsetof(acre_options, gc_percent) + 4) ? 33 : 100));
    BOOST_TEST(out.gc_every == (reaches(offsetof(acre_options, gc_every) + 4) ? 44 : 0));
    BOOST_TEST(out.memory_limit == expected.memory_limit);
  }
}

BOOST_AUTO_TEST_CASE(a_newer_program_is_accepted_if_it_sets_nothing_that_is_unknown) {
  struct Newer {
    acre_options known;
    long unknown[3];
  };
  Newer newer = {defaults(), {0, 0, 0}};
  newer.known.struct_size = sizeof(newer);
  BOOST_TEST(normalise(newer.known).status == ACRE_OK);
  newer.unknown[2] = 1;
  const Normalised result = normalise(newer.known);
  BOOST_TEST(result.status == ACRE_E_INVALID);
  BOOST_TEST(result.why == "options of a newer version are set");
}

BOOST_AUTO_TEST_SUITE_END()
