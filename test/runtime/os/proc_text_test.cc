#include "runtime/os/proc_text.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "test/runtime/base/random_seed.h"
#include "test/runtime/os/fake_root.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)
using acre::test::FakeRoot;

namespace {

std::vector<std::string> all_lines(const std::string& file) {
  std::vector<std::string> lines;
  LineReader reader(open_file(file.c_str()));
  while (const char* line = reader.next()) lines.emplace_back(line);
  return lines;
}

// The naive reader: all lines that with their newline fit.
std::vector<std::string> short_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.size() < LineReader::kLongest) lines.push_back(line);
  }
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(proc_text)

BOOST_AUTO_TEST_CASE(lines_of_any_length_are_read_whole_or_left_out) {
  FakeRoot root;
  std::mt19937_64 random(acre::test::random_seed());
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (uint64_t lines = random() % 40; lines != 0; --lines) {
      constexpr size_t kLongest = LineReader::kLongest;
      const size_t lengths[] = {0, random() % 100, random() % kLongest, kLongest - 2 + random() % 5,
                                random() % (4 * kLongest)};
      text += std::string(lengths[random() % 5], static_cast<char>('a' + random() % 26)) + "\n";
    }
    if (!text.empty() && random() % 2 == 0) text.pop_back();
    root.write("/text", text);
    BOOST_REQUIRE((all_lines(root.file("/text")) == short_lines(text)));
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_opened_or_read_has_no_lines) {
  FakeRoot root;
  BOOST_TEST(all_lines(root.file("/none")).empty());
  BOOST_TEST(all_lines(root.file("")).empty());  // a folder
}

BOOST_AUTO_TEST_CASE(a_path_that_does_not_fit_is_empty_for_good) {
  Path path;
  path << "/a"
       << "/b";
  BOOST_TEST(path.c_str() == "/a/b");
  path.to_parent();
  BOOST_TEST(path.c_str() == "/a");
  path << std::string(PATH_MAX - 3, 'x').c_str();
  BOOST_TEST(path.length() == PATH_MAX - 1u);
  path << "";
  BOOST_TEST(path.length() == PATH_MAX - 1u);
  path << "y";
  BOOST_TEST(path.empty());
  path << "/z";
  BOOST_TEST(path.c_str() == "");
}

BOOST_AUTO_TEST_CASE(a_number_is_digits_only_and_fits) {
  const auto parsed = [](const std::string& text) {
    uint64_t number = 7;
    return parse_number(text.data(), text.data() + text.size(), &number) ? number : 7;
  };
  BOOST_TEST(parsed("0") == 0u);
  BOOST_TEST(parsed("18446744073709551615") == UINT64_MAX);
  for (const char* text :
       {"", "18446744073709551616", "99999999999999999999", "+1", "-1", " 1", "1 ", "1k", "1\n"}) {
    BOOST_TEST(parsed(text) == 7u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
