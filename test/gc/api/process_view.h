// Owns the view from outside on this process's threads, and waiting for what happens by itself.

#ifndef ACRE_TEST_GC_API_PROCESS_VIEW_H_
#define ACRE_TEST_GC_API_PROCESS_VIEW_H_

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace acre::test {

struct Task {
  pid_t id = 0;
  char state = '?';     // R runs or wants to, S sleeps
  uint64_t cpu_ns = 0;  // to 10 ms where the kernel keeps no finer books
};

// False: the thread is gone.
inline bool read_task(const std::filesystem::path& directory, Task* task) {
  std::ifstream stat(directory / "stat");
  std::string line;
  if (!std::getline(stat, line)) return false;
  // After the name in parentheses: state, then ten numbers, then user and system time in ticks.
  const char* at = line.c_str() + line.rfind(')') + 2;
  unsigned long user = 0;
  unsigned long system = 0;
  if (std::sscanf(at, "%c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &task->state, &user,
                  &system) != 3) {
    return false;
  }
  task->id = static_cast<pid_t>(std::atoi(line.c_str()));
  const auto tick_ns = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  task->cpu_ns = (user + system) * tick_ns;
  uint64_t exact = 0;
  if (std::ifstream(directory / "schedstat") >> exact && exact != 0) task->cpu_ns = exact;
  return true;
}

// The threads of this process that bear this name.
inline std::vector<Task> tasks_named(const std::string& name) {
  std::vector<Task> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream comm(entry.path() / "comm");  // it may have gone since it was listed
    std::string line;
    Task task;
    if (std::getline(comm, line) && line == name && read_task(entry.path(), &task)) {
      found.push_back(task);
    }
  }
  return found;
}

inline std::vector<Task> background_threads() { return tasks_named("acre-background"); }

inline void sleep_ms(unsigned ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// Looks often enough to be done soon after it holds. False: it did not come to hold.
template <class Predicate>
bool comes_true(double seconds, Predicate predicate) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    if (predicate()) return true;
    sleep_ms(10);
  } while (Clock::now() < end);
  return predicate();
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_PROCESS_VIEW_H_
