#include "bench/growth/index/source_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/bench/source_tree.h"

namespace acre::bench {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const TempDirectory& directory, const SourceTree& tree) {
  std::vector<std::string> names;
  for (const SourceFile& file : tree.files) {
    names.push_back(fs::relative(file.path, directory.path()).string());
  }
  return names;
}

void check_names(const std::vector<std::string>& found, const std::vector<std::string>& expected) {
  BOOST_CHECK_EQUAL_COLLECTIONS(found.begin(), found.end(), expected.begin(), expected.end());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(source_files)

BOOST_AUTO_TEST_CASE(files_come_in_the_order_of_their_paths_with_their_sizes) {
  const TempDirectory directory;
  directory.write("b.h", "12345");
  directory.write("a/z.h", "1");
  directory.write("a/y/x.h", "");
  const SourceTree tree = scan_directory(directory.path().string());
  check_names(names_in(directory, tree), {"a/y/x.h", "a/z.h", "b.h"});
  BOOST_TEST(tree.bytes == 6u);
  BOOST_TEST(tree.unreadable == 0u);
}

BOOST_AUTO_TEST_CASE(loops_of_links_end) {
  const TempDirectory directory;
  directory.write("a/f.h", "int");
  fs::create_directory_symlink(directory.path(), directory.path() / "a" / "up");
  fs::create_symlink("first", directory.path() / "second");
  fs::create_symlink("second", directory.path() / "first");
  fs::create_symlink("nowhere", directory.path() / "dangling");
  const SourceTree tree = scan_directory(directory.path().string());
  check_names(names_in(directory, tree), {"a/f.h"});
  BOOST_TEST(tree.directory_links == 1u);
  BOOST_TEST(tree.unreadable == 3u);
}

BOOST_AUTO_TEST_CASE(a_file_with_two_names_is_taken_once) {
  const TempDirectory directory;
  directory.write("a.h", "int");
  fs::create_hard_link(directory.path() / "a.h", directory.path() / "b.h");
  fs::create_symlink("a.h", directory.path() / "c.h");
  const SourceTree tree = scan_directory(directory.path().string());
  check_names(names_in(directory, tree), {"a.h"});
}

BOOST_AUTO_TEST_CASE(pipes_are_not_opened) {
  const TempDirectory directory;
  BOOST_REQUIRE_EQUAL(mkfifo((directory.path() / "pipe").c_str(), 0600), 0);
  const SourceTree tree = scan_directory(directory.path().string());
  BOOST_TEST(tree.files.empty());
}

BOOST_AUTO_TEST_CASE(a_directory_that_may_not_be_read_is_counted,
                     *boost::unit_test::precondition([](boost::unit_test::test_unit_id) {
                       return boost::test_tools::assertion_result(geteuid() != 0);
                     })) {
  const TempDirectory directory;
  directory.write("closed/f.h", "int");
  directory.write("open/g.h", "int");
  fs::permissions(directory.path() / "closed", fs::perms::none);
  const SourceTree tree = scan_directory(directory.path().string());
  fs::permissions(directory.path() / "closed", fs::perms::owner_all);
  check_names(names_in(directory, tree), {"open/g.h"});
  BOOST_TEST(tree.unreadable == 1u);
}

BOOST_AUTO_TEST_CASE(a_missing_directory_and_a_file_are_refused) {
  const TempDirectory directory;
  directory.write("f.h", "int");
  BOOST_CHECK_THROW(scan_directory((directory.path() / "missing").string()), std::runtime_error);
  BOOST_CHECK_THROW(scan_directory((directory.path() / "f.h").string()), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
