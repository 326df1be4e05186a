#include "bench/facts/runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>

#include "bench/growth/process.h"

namespace acre::bench {
namespace {

constexpr int kThrew = 3;  // the child's exit code; the reason is then the last line of the pipe

// A test's framework, or whoever started us, may have handlers of its own; a crash should be one.
void become_plain() {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGINT, SIGTERM}) {
    signal(number, SIG_DFL);
  }
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
}

[[noreturn]] void be_child(const Fact& fact, int pipe, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  become_plain();
  try {
    Findings findings(pipe);
    fact.run(findings);
  } catch (const std::exception& problem) {
    const std::string text = problem.what();
    [[maybe_unused]] const ssize_t told = write(pipe, text.data(), text.size());
    _exit(kThrew);
  }
  _exit(0);
}

// All that the child writes, until it closes the pipe or the time is over (false).
bool read_all(int pipe, double deadline, std::string& text) {
  std::array<char, 4096> part;
  for (;;) {
    const double left = deadline - now_seconds();
    if (left <= 0) return false;
    pollfd file = {pipe, POLLIN, 0};
    if (poll(&file, 1, static_cast<int>(left * 1000) + 1) <= 0) continue;
    const ssize_t got = read(pipe, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

// False: it had to be killed.
bool wait_until(pid_t child, double deadline, int& status) {
  while (now_seconds() < deadline) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return true;
    if (ended < 0 && errno != EINTR) break;
    usleep(500);
  }
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return false;
}

std::string failure_of_status(int status, const std::string& last_words) {
  if (WIFSIGNALED(status)) {
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  const int code = WEXITSTATUS(status);
  if (code == kThrew && !last_words.empty()) return last_words;
  return code == 0 ? "" : fmt::format("exit code {}", code);
}

// Whole lines are findings; returns what is left behind the last of them.
std::string take_findings(const std::string& text, FactRun& run) {
  std::size_t from = 0;
  for (std::size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
    try {
      run.findings.push_back(decode(text.substr(from, end - from)));
    } catch (const std::exception& problem) {
      run.failure = fmt::format("its findings cannot be read: {}", problem.what());
      return "";
    }
  }
  return text.substr(from);
}

}  // namespace

bool FactRun::good() const {
  return failure.empty() && std::none_of(findings.begin(), findings.end(), [](const Finding& each) {
           return each.verdict == Verdict::kDoesNotHold;
         });
}

FactRun run_fact(const Fact& fact, double timeout) {
  FactRun run = {fact.id, fact.about, fact.heap_relies, {}, "", 0};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    run.failure = fmt::format("no pipe: {}", strerror(errno));
    return run;
  }
  const double start = now_seconds();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    be_child(fact, ends[1], parent);
  }
  close(ends[1]);
  if (child < 0) {
    run.failure = fmt::format("no process: {}", strerror(errno));
    close(ends[0]);
    return run;
  }
  std::string text;
  read_all(ends[0], start + timeout, text);
  close(ends[0]);
  int status = 0;
  const bool in_time = wait_until(child, start + timeout, status);
  run.seconds = now_seconds() - start;
  const std::string last_words = take_findings(text, run);
  if (!in_time) {
    run.failure = fmt::format("not done after {:.1f} s, killed", run.seconds);
  } else if (run.failure.empty()) {
    run.failure = failure_of_status(status, last_words);
    if (run.failure.empty() && run.findings.empty()) run.failure = "it found nothing";
  }
  return run;
}

}  // namespace acre::bench
