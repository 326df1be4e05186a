// A background thread on a small Space, with work that counts, burns processor time when asked, and
// notices who calls it.

#ifndef ACRE_TEST_RUNTIME_SCAVENGE_BACKGROUND_FIXTURE_H_
#define ACRE_TEST_RUNTIME_SCAVENGE_BACKGROUND_FIXTURE_H_

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstring>
#include <string>

#include "runtime/scavenge/background.h"

#if defined(__SANITIZE_THREAD__)
#define ACRE_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACRE_TEST_TSAN 1
#endif
#endif

namespace acre::rt::test {

// Not a limit of time: what does not come at all fails after it.
inline constexpr int kPatienceMs = 60'000;

template <class Done>
bool comes_true(Done done) {
  for (int i = 0; i < kPatienceMs; ++i) {
    if (done()) return true;
    usleep(1000);
  }
  return done();
}

class FakeWork final : public BackgroundWork {
 public:
  std::atomic<uint64_t> ticks{0};
  std::atomic<uint64_t> steps{0};  // that found something to do
  std::atomic<uint64_t> reports{0};
  std::atomic<uint64_t> to_do{0};    // steps
  std::atomic<uint64_t> burn_ns{0};  // of processor time, by each
  std::atomic<uint64_t> longest_ns{0};
  std::atomic<bool> working{false};
  std::atomic<uint64_t> callers{0};  // changes of the calling thread
  const Background* background = nullptr;
  std::atomic<bool> calls_itself_right{true};

  void tick(uint64_t) override {
    note_caller();
    ticks.fetch_add(1);
  }
  bool step() override {
    note_caller();
    if (to_do.load() == 0) return false;
    working = true;
    const uint64_t start = thread_cpu_ns();
    uint64_t used = 0;
    while (used < burn_ns.load()) used = thread_cpu_ns() - start;
    if (used > longest_ns.load()) longest_ns = used;
    working = false;
    to_do.fetch_sub(1);
    steps.fetch_add(1);
    return true;
  }
  void report() override { reports.fetch_add(1); }

 private:
  void note_caller() {
    const auto me = static_cast<uint64_t>(gettid());
    if (caller_.exchange(me) != me) callers.fetch_add(1);
    if (background != nullptr && !background->is_this_thread()) calls_itself_right = false;
  }

  std::atomic<uint64_t> caller_{0};
};

struct BackgroundGround {
  FaultPlan faults;
  Os os;
  Space space;
  FakeWork work;
  Background background{};

  BackgroundGround() {
    os.init(&faults);
    const auto tables = [](PageCount) { return TableSizes{ByteCount(8192), ByteCount(8192)}; };
    BOOST_REQUIRE_EQUAL(space.init(&os, kMinReservation, ACRE_HUGE_PAGES_NEVER, tables), ACRE_OK);
    work.background = &background;
    background.init(&space, &work);
  }
  ~BackgroundGround() {
    background.stop();
    BOOST_CHECK(space.destroy());
  }
  BackgroundGround(const BackgroundGround&) = delete;
  BackgroundGround& operator=(const BackgroundGround&) = delete;
};

// Background threads of this process, as the kernel says.
inline unsigned background_threads() {
  unsigned count = 0;
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return ~0U;
  while (const dirent* task = readdir(tasks)) {
    char path[320];
    std::snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
    std::FILE* comm = std::fopen(path, "r");
    if (comm == nullptr) continue;
    char name[32] = {};
    if (std::fgets(name, sizeof(name), comm) != nullptr &&
        std::strcmp(name, "acre-background\n") == 0) {
      ++count;
    }
    std::fclose(comm);
  }
  closedir(tasks);
  return count;
}

}  // namespace acre::rt::test

#endif  // ACRE_TEST_RUNTIME_SCAVENGE_BACKGROUND_FIXTURE_H_
