// Owns a folder that stands in for / in tests, with the files that a test puts there.

#ifndef ACRE_TEST_RUNTIME_OS_FAKE_ROOT_H_
#define ACRE_TEST_RUNTIME_OS_FAKE_ROOT_H_

#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>

namespace acre::test {

class FakeRoot {
 public:
  FakeRoot() {
    const char* temporary = std::getenv("TEST_TMPDIR");
    path_ = std::string(temporary != nullptr ? temporary : "/tmp") + "/acre_root_XXXXXX";
    BOOST_REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ~FakeRoot() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  // `name` begins with a slash; its folders are made.
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path file = path_ + name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    BOOST_REQUIRE(out.good());
  }
  void make_folder(const std::string& name) { std::filesystem::create_directories(path_ + name); }

  const char* c_str() const { return path_.c_str(); }
  std::string file(const std::string& name) const { return path_ + name; }

 private:
  std::string path_;
};

}  // namespace acre::test

#endif  // ACRE_TEST_RUNTIME_OS_FAKE_ROOT_H_
