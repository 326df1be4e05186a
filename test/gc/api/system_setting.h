// Owns settings of the whole machine for the time of a test: only with ACRE_TEST_SYSTEM=1 and as root, and
// put back on every way out, a SIGKILL of the test too.
//
// A child process of its own session keeps the old values and waits at a pipe: told so, or when the pipe
// closes because the test is gone, it puts them back.

#ifndef ACRE_TEST_GC_API_SYSTEM_SETTING_H_
#define ACRE_TEST_GC_API_SYSTEM_SETTING_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace acre::test {

inline bool may_change_system() {
  const char* asked = std::getenv("ACRE_TEST_SYSTEM");
  return asked != nullptr && std::strcmp(asked, "1") == 0 && geteuid() == 0;
}

// Says so aloud, for those who count what was tested.
inline void say_skipped(const char* what) {
  std::fprintf(stderr,
               "skipped: %s: changes settings of the machine, needs ACRE_TEST_SYSTEM=1 and root\n",
               what);
}

inline std::string read_setting(const char* path) {
  char text[256] = {};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return "";
  const ssize_t got = read(file, text, sizeof(text) - 1);
  close(file);
  std::string value(text, got > 0 ? static_cast<size_t>(got) : 0);
  while (!value.empty() && value.back() == '\n') value.pop_back();
  // always [madvise] never: the one in brackets.
  const size_t open_at = value.find('[');
  const size_t close_at = value.find(']');
  if (open_at == std::string::npos || close_at == std::string::npos) return value;
  return value.substr(open_at + 1, close_at - open_at - 1);
}

inline bool write_setting(const char* path, const char* value) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const size_t length = std::strlen(value);
  const bool written = write(file, value, length) == static_cast<ssize_t>(length);
  close(file);
  return written;
}

class SystemSettings {
 public:
  struct Setting {
    const char* path;
    std::string value;
  };

  // In this order; put back in the reverse one.
  explicit SystemSettings(const std::vector<Setting>& settings) {
    BOOST_REQUIRE(may_change_system());
    std::vector<Setting> old;
    for (const Setting& setting : settings) {
      old.insert(old.begin(), {setting.path, read_setting(setting.path)});
      BOOST_REQUIRE_MESSAGE(!old.front().value.empty(), setting.path << " cannot be read");
    }
    int ends[2];
    BOOST_REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    keeper_ = fork();
    BOOST_REQUIRE(keeper_ >= 0);
    if (keeper_ == 0) keep(old, ends);
    close(ends[0]);
    tell_ = ends[1];
    for (const Setting& setting : settings) {
      BOOST_REQUIRE_MESSAGE(write_setting(setting.path, setting.value.c_str()),
                            setting.path << " cannot be set to " << setting.value);
    }
  }
  ~SystemSettings() {
    (void)!write(tell_, "x", 1);
    close(tell_);
    int status = 0;
    BOOST_CHECK(waitpid(keeper_, &status, 0) == keeper_);
    BOOST_CHECK_MESSAGE(status == 0, "a setting of the machine was not put back");
  }
  SystemSettings(const SystemSettings&) = delete;
  SystemSettings& operator=(const SystemSettings&) = delete;

 private:
  [[noreturn]] static void keep(const std::vector<Setting>& old, const int (&ends)[2]) {
    setsid();  // a signal for the test's group is not for it
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
      signal(signal_number, SIG_IGN);
    }
    close(ends[1]);
    for (const int standard : {0, 1, 2}) close(standard);
    char told;
    while (read(ends[0], &told, 1) < 0) {
    }
    bool all = true;
    for (const Setting& setting : old) all &= write_setting(setting.path, setting.value.c_str());
    _exit(all ? 0 : 1);
  }

  pid_t keeper_ = -1;
  int tell_ = -1;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_SYSTEM_SETTING_H_
