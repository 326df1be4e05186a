// The options as a program meets them: the struct, the environment, and what comes of bad values.

#include <algorithm>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

// The environment of one test: variables are taken back at its end.
class Environment {
 public:
  Environment() { (void)plain_options(); }  // which clears ours
  ~Environment() { (void)plain_options(); }

  acre_options with(const char* variable, const char* value) {
    setenv(variable, value, 1);
    acre_options options;
    acre_options_init(&options);
    unsetenv(variable);
    return options;
  }
};

// What acre_options_init says on stderr about a value, in a child; it must have used the default.
std::string complaint(const char* variable, const char* value) {
  const ChildEnd end = in_forked_child([&] {
    acre_options plain;
    acre_options_init(&plain);
    setenv(variable, value, 1);
    acre_options options;
    memset(&options, 0xff, sizeof(options));
    acre_options_init(&options);
    return memcmp(&options, &plain, sizeof(options)) == 0 ? 0 : 1;
  });
  BOOST_TEST(end.exited_with(0), variable << "=" << value);
  return end.stderr_text;
}

BOOST_AUTO_TEST_SUITE(options)

BOOST_FIXTURE_TEST_CASE(the_defaults_are_the_documented_ones, Environment) {
  acre_options options;
  memset(&options, 0xff, sizeof(options));
  acre_options_init(&options);
  BOOST_TEST(options.struct_size == sizeof(options));
  BOOST_TEST(options.reserve_bytes == 512 * kGiB);
  BOOST_TEST(options.gc_percent == 100);
  BOOST_TEST(options.memory_limit == ACRE_NO_LIMIT);
  BOOST_TEST(options.conservative_stacks == 1);
  BOOST_TEST(options.mark_threads == 0);
  BOOST_TEST(options.scavenger == 1);
  BOOST_TEST(options.huge_pages == ACRE_HUGE_PAGES_AUTO);
  BOOST_TEST(options.trace == 0u);
  BOOST_TEST(options.gc_every == 0);
  BOOST_TEST(options.clobber_free == 0);
  BOOST_TEST(options.verify == 0);
  acre_options_init(nullptr);
}

BOOST_FIXTURE_TEST_CASE(each_option_is_set_by_its_variable, Environment) {
  BOOST_TEST(with("ACRE_RESERVE_BYTES", "1GiB").reserve_bytes == kGiB);
  BOOST_TEST(with("ACRE_RESERVE_BYTES", "134217728").reserve_bytes == 128 * kMiB);
  BOOST_TEST(with("ACRE_GC_PERCENT", "250").gc_percent == 250);
  BOOST_TEST(with("ACRE_GC_PERCENT", "0").gc_percent == 0);
  BOOST_TEST(with("ACRE_GC_PERCENT", "-1").gc_percent < 0);
  BOOST_TEST(with("ACRE_GC_PERCENT", "off").gc_percent < 0);
  BOOST_TEST(with("ACRE_MEMORY_LIMIT", "2GiB").memory_limit == 2 * kGiB);
  BOOST_TEST(with("ACRE_MEMORY_LIMIT", "512MiB").memory_limit == 512 * kMiB);
  BOOST_TEST(with("ACRE_MEMORY_LIMIT", "100000KiB").memory_limit == 100000 * kKiB);
  BOOST_TEST(with("ACRE_MEMORY_LIMIT", "1TiB").memory_limit == 1024 * kGiB);
  BOOST_TEST(with("ACRE_MEMORY_LIMIT", "123456789B").memory_limit == 123456789u);
  BOOST_TEST(with("ACRE_MEMORY_LIMIT", "none").memory_limit == ACRE_NO_LIMIT);
  for (const char* no : {"0", "off", "no", "false"}) {
    BOOST_TEST(with("ACRE_CONSERVATIVE_STACKS", no).conservative_stacks == 0);
    BOOST_TEST(with("ACRE_SCAVENGER", no).scavenger == 0);
  }
  for (const char* yes : {"1", "on", "yes", "true"}) {
    BOOST_TEST(with("ACRE_CONSERVATIVE_STACKS", yes).conservative_stacks == 1);
    BOOST_TEST(with("ACRE_CLOBBER_FREE", yes).clobber_free == 1);
    BOOST_TEST(with("ACRE_VERIFY", yes).verify == 1);
  }
  BOOST_TEST(with("ACRE_MARK_THREADS", "3").mark_threads == 3);
  BOOST_TEST(with("ACRE_HUGE_PAGES", "always").huge_pages == ACRE_HUGE_PAGES_ALWAYS);
  BOOST_TEST(with("ACRE_HUGE_PAGES", "never").huge_pages == ACRE_HUGE_PAGES_NEVER);
  BOOST_TEST(with("ACRE_HUGE_PAGES", "auto").huge_pages == ACRE_HUGE_PAGES_AUTO);
  BOOST_TEST(with("ACRE_TRACE", "gc").trace == unsigned{ACRE_TRACE_GC});
  BOOST_TEST(with("ACRE_TRACE", "none").trace == 0u);
  BOOST_TEST(with("ACRE_GC_EVERY", "17").gc_every == 17);
}

BOOST_FIXTURE_TEST_CASE(a_bad_value_is_named_with_its_variable_and_the_default_used, Environment) {
  for (const auto& [variable, value] : std::vector<std::pair<const char*, const char*>>{
           {"ACRE_MEMORY_LIMIT", "lots"},
           {"ACRE_MEMORY_LIMIT", ""},
           {"ACRE_MEMORY_LIMIT", "-1"},
           {"ACRE_MEMORY_LIMIT", "1.5GiB"},
           {"ACRE_MEMORY_LIMIT", "2GiB "},
           {"ACRE_MEMORY_LIMIT", "2GB"},
           {"ACRE_MEMORY_LIMIT", "99999999999999999999"},
           {"ACRE_MEMORY_LIMIT", "17179869184GiB"},
           {"ACRE_RESERVE_BYTES", "much"},
           {"ACRE_RESERVE_BYTES", "1MiB"},
           {"ACRE_RESERVE_BYTES", "0"},
           {"ACRE_GC_PERCENT", "fast"},
           {"ACRE_GC_PERCENT", "100%"},
           {"ACRE_GC_PERCENT", "3000000000"},
           {"ACRE_CONSERVATIVE_STACKS", "2"},
           {"ACRE_MARK_THREADS", "-2"},
           {"ACRE_SCAVENGER", "perhaps"},
           {"ACRE_HUGE_PAGES", "sometimes"},
           {"ACRE_TRACE", "everything"},
           {"ACRE_TRACE", "gc,everything"},
           {"ACRE_GC_EVERY", "-5"},
           {"ACRE_CLOBBER_FREE", "x"},
           {"ACRE_VERIFY", "10"}}) {
    const std::string text = complaint(variable, value);
    BOOST_TEST(contains(text, variable), variable << "=" << value << ": " << text);
    BOOST_TEST(contains(text, value), text);
    BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 1);
  }
}

BOOST_FIXTURE_TEST_CASE(good_values_are_taken_without_a_word, Environment) {
  const ChildEnd end = in_forked_child([] {
    setenv("ACRE_MEMORY_LIMIT", "1GiB", 1);
    setenv("ACRE_GC_PERCENT", "200", 1);
    acre_heap* heap = nullptr;
    if (acre_heap_create(nullptr, &heap) != ACRE_OK) return 1;
    const acre_stats stats = read_stats(heap);
    return stats.gc_percent == 200 && stats.memory_limit == kGiB ? 0 : 2;
  });
  BOOST_TEST(end.exited_with(0));
  BOOST_TEST(end.stderr_text == "");
}

BOOST_FIXTURE_TEST_CASE(a_bad_variable_does_not_spoil_the_others, Environment) {
  const ChildEnd end = in_forked_child([] {
    setenv("ACRE_MEMORY_LIMIT", "lots", 1);
    setenv("ACRE_GC_PERCENT", "200", 1);
    acre_heap* heap = nullptr;
    if (acre_heap_create(nullptr, &heap) != ACRE_OK) return 1;
    const acre_stats stats = read_stats(heap);
    return stats.gc_percent == 200 && stats.memory_limit == ACRE_NO_LIMIT ? 0 : 2;
  });
  BOOST_TEST(end.exited_with(0));
  BOOST_TEST(contains(end.stderr_text, "ACRE_MEMORY_LIMIT"));
  BOOST_TEST(contains(end.stderr_text, "lots"));
}

BOOST_FIXTURE_TEST_CASE(explicit_options_are_stronger_than_the_environment, Environment) {
  acre_options options = precise_options();
  options.gc_percent = 33;
  setenv("ACRE_GC_PERCENT", "200", 1);
  Heap heap(options);
  BOOST_TEST(heap.stats().gc_percent == 33);
}

BOOST_FIXTURE_TEST_CASE(options_of_an_older_program_get_defaults_for_the_rest, Environment) {
  acre_options options = precise_options();
  options.gc_percent = 77;
  options.memory_limit = 5;
  options.struct_size = offsetof(acre_options, memory_limit);
  acre_heap* heap = nullptr;
  BOOST_TEST_REQUIRE(acre_heap_create(&options, &heap) == ACRE_OK);
  BOOST_TEST(read_stats(heap).gc_percent == 77);
  BOOST_TEST(read_stats(heap).memory_limit == ACRE_NO_LIMIT);
  BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  options.struct_size = sizeof(size_t);
  BOOST_TEST_REQUIRE(acre_heap_create(&options, &heap) == ACRE_OK);
  BOOST_TEST(read_stats(heap).gc_percent == 100);
  BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
}

BOOST_FIXTURE_TEST_CASE(options_of_a_newer_program_are_taken_if_what_is_new_is_zero, Environment) {
  struct Newer {
    acre_options known;
    uint64_t more[4];
  } newer = {precise_options(), {}};
  newer.known.struct_size = sizeof(newer);
  acre_heap* heap = nullptr;
  BOOST_TEST_REQUIRE(acre_heap_create(&newer.known, &heap) == ACRE_OK);
  BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  newer.more[3] = 1;
  BOOST_TEST(acre_heap_create(&newer.known, &heap) == ACRE_E_INVALID);
  BOOST_TEST(heap == nullptr);
}

BOOST_FIXTURE_TEST_CASE(garbage_in_the_struct_is_invalid_and_named, Environment) {
  const auto refused = [](auto spoil, const char* name) {
    const ChildEnd end = in_forked_child([&] {
      acre_options options = precise_options();
      spoil(options);
      acre_heap* heap = reinterpret_cast<acre_heap*>(8);
      return acre_heap_create(&options, &heap) == ACRE_E_INVALID && heap == nullptr ? 0 : 1;
    });
    return end.exited_with(0) && contains(end.stderr_text, name);
  };
  BOOST_TEST(refused([](acre_options& o) { o.struct_size = 0; }, "struct_size"));
  BOOST_TEST(refused([](acre_options& o) { o.struct_size = 7; }, "struct_size"));
  BOOST_TEST(refused([](acre_options& o) { o.struct_size = SIZE_MAX; }, "struct_size"));
  BOOST_TEST(refused([](acre_options& o) { o.struct_size = 1 << 20; }, "struct_size"));
  BOOST_TEST(refused([](acre_options& o) { o.huge_pages = 3; }, "huge_pages"));
  BOOST_TEST(refused([](acre_options& o) { o.huge_pages = -1; }, "huge_pages"));
  BOOST_TEST(refused([](acre_options& o) { o.mark_threads = -1; }, "mark_threads"));
  BOOST_TEST(refused([](acre_options& o) { o.gc_every = -1; }, "gc_every"));
  BOOST_TEST(refused([](acre_options& o) { o.limit_policy = 3; }, "limit_policy"));
  BOOST_TEST(refused([](acre_options& o) { o.trace = ~0u; }, "trace"));
  BOOST_TEST(refused([](acre_options& o) { memset(&o, 0x5a, sizeof(o)); }, "struct_size"));
}

BOOST_FIXTURE_TEST_CASE(help_has_a_line_for_each_variable, Environment) {
  std::vector<std::string> lines;
  acre_options_help(
      [](const char* line, void* arg) {
        static_cast<std::vector<std::string>*>(arg)->emplace_back(line);
      },
      &lines);
  BOOST_TEST(lines.size() == 21u);
  for (const std::string& line : lines) {
    BOOST_TEST(line.rfind("ACRE_", 0) == 0u);
    BOOST_TEST(contains(line, "default"));
    BOOST_TEST(!contains(line, "\n"));
  }
  acre_options_help(nullptr, nullptr);
}

BOOST_FIXTURE_TEST_CASE(trace_prints_a_line_a_collection, Environment) {
  const ChildEnd end = in_forked_child([] {
    acre_options options = precise_options();
    options.trace = ACRE_TRACE_GC;
    Heap heap(options);
    (void)heap.alloc(100);
    heap.collect();
    heap.collect();
    return 0;
  });
  BOOST_TEST(end.exited_with(0));
  BOOST_TEST(std::count(end.stderr_text.begin(), end.stderr_text.end(), '\n') == 2);
  BOOST_TEST(contains(end.stderr_text, "forced"));
}

BOOST_AUTO_TEST_CASE(every_status_has_a_sentence_and_so_has_what_is_none) {
  for (int status = -3; status < 20; ++status) {
    const char* text = acre_strerror(static_cast<acre_status>(status));
    BOOST_TEST_REQUIRE(text != nullptr);
    BOOST_TEST(strlen(text) > 5u);
  }
  BOOST_TEST(std::string(acre_strerror(ACRE_E_NOMEM)) != acre_strerror(ACRE_E_INVALID));
  BOOST_TEST(acre_last_error(nullptr) != ACRE_OK);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
