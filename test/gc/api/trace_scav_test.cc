// What ACRE_TRACE=scav prints: lines in the form of Go's scavtrace.

#include <regex>

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

const std::regex kLine(
    "scav [0-9]+ KiB work \\(bg\\), [0-9]+ KiB work \\(eager\\), [0-9]+ KiB now, "
    "[0-9]+% util( \\(forced\\))?");

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

unsigned long number_after(const std::string& line, const std::string& word) {
  const size_t at = line.find(word);
  return at == std::string::npos ? 0 : std::strtoul(line.c_str() + at + word.size(), nullptr, 10);
}

// Grows, drops, and either asks for the memory's return or waits until the background thread was there.
int use(const acre_options& options, size_t bytes, bool ask) {
  acre_heap* heap = nullptr;
  acre_thread* thread = nullptr;
  if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
  if (acre_thread_attach(heap, &thread) != ACRE_OK) return 2;
  for (size_t got = 0; got < bytes; got += kMiB) {
    void* object = acre_alloc(thread, kMiB, ACRE_KIND_LEAF);
    if (object == nullptr) return 3;
    std::memset(object, 1, kMiB);
  }
  if (ask) {
    acre_release_memory(thread);
  } else {
    acre_collect(thread);
    if (!comes_true(40, [heap] { return acre_resident_bytes(heap) < 8 * kMiB; })) return 4;
    // Work that ended is reported.
    sleep_ms(500);
  }
  return acre_heap_destroy(heap) == ACRE_OK ? 0 : 5;
}

acre_options traced() {
  acre_options options = precise_options();
  BOOST_TEST_REQUIRE(setenv("ACRE_TRACE", "scav", 1) == 0);
  acre_options from_environment;
  acre_options_init(&from_environment);
  unsetenv("ACRE_TRACE");
  BOOST_TEST(from_environment.trace == ACRE_TRACE_SCAV);
  options.trace = from_environment.trace;
  options.huge_pages = ACRE_HUGE_PAGES_NEVER;
  return options;
}

BOOST_AUTO_TEST_SUITE(trace_scav)

BOOST_AUTO_TEST_CASE(what_was_asked_for_is_a_line_that_says_so) {
  const ChildEnd end = in_forked_child([] { return use(traced(), 64 * kMiB, true); });
  BOOST_TEST(end.exited_with(0));
  const auto lines = lines_of(end.stderr_text);
  BOOST_TEST_REQUIRE(lines.size() == 1u, end.stderr_text);
  BOOST_TEST(std::regex_match(lines[0], kLine), lines[0]);
  BOOST_TEST(contains(lines[0], "(forced)"));
  BOOST_TEST(number_after(lines[0], "(eager), ") >= 60 * 1024u);
}

// Enough for many stretches of work, and so little that it is one.
BOOST_AUTO_TEST_CASE(what_went_back_by_itself_adds_up_in_lines) {
  for (const size_t bytes : {10 * kMiB, 256 * kMiB}) {
    BOOST_TEST_CONTEXT(bytes / kMiB << " MiB") {
      const ChildEnd end = in_forked_child([bytes] { return use(traced(), bytes, false); });
      BOOST_TEST(end.exited_with(0), "status " << end.status);
      const auto lines = lines_of(end.stderr_text);
      BOOST_TEST(!lines.empty());
      unsigned long kib = 0;
      for (const std::string& line : lines) {
        BOOST_TEST(std::regex_match(line, kLine), line);
        BOOST_TEST(!contains(line, "forced"));
        // A line when memory was given back, and only then.
        const unsigned long here = number_after(line, "scav ") + number_after(line, "(bg), ");
        BOOST_TEST(here > 0u, line);
        kib += here;
      }
      BOOST_TEST(kib >= bytes / kKiB / 2);
    }
  }
}

BOOST_AUTO_TEST_CASE(without_the_option_nothing_is_printed) {
  for (const bool ask : {true, false}) {
    const ChildEnd end = in_forked_child([ask] {
      acre_options options = traced();
      options.trace = 0;
      return use(options, 32 * kMiB, ask);
    });
    BOOST_TEST(end.exited_with(0));
    BOOST_TEST(end.stderr_text == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
