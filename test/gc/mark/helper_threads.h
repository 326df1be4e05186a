// Owns the view from outside on threads that help to mark: how many this process has.

#ifndef ACRE_TEST_GC_MARK_HELPER_THREADS_H_
#define ACRE_TEST_GC_MARK_HELPER_THREADS_H_

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

namespace acre::test {

// Threads of this process that bear the name of the crew's.
inline unsigned helper_threads() {
  unsigned count = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream comm(task.path() / "comm");  // a thread may have gone since it was listed
    std::string name;
    std::getline(comm, name);
    count += name == "acre-mark" ? 1 : 0;
  }
  return count;
}

// The kernel lists a thread that was joined for a moment longer.
inline bool helper_threads_become(unsigned count) {
  using Clock = std::chrono::steady_clock;
  for (const auto deadline = Clock::now() + std::chrono::seconds(20); Clock::now() < deadline;) {
    if (helper_threads() == count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_MARK_HELPER_THREADS_H_
