#include "bench/compare/driver/child.h"

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
#include <stdexcept>
#include <string_view>

#include "bench/growth/process.h"

namespace acre::bench {
namespace {

constexpr int kLookEveryMs = 20;  // for the child's end, while it writes nothing
constexpr std::size_t kLongestLine = 200;

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_, O_CLOEXEC) != 0)
      throw std::runtime_error("no pipe: " + std::string(strerror(errno)));
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_read() { close_end(ends_[0]); }
  void close_write() { close_end(ends_[1]); }

 private:
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
  int ends_[2] = {-1, -1};
};

std::vector<std::string> environment_for(const std::vector<Variable>& changes) {
  std::vector<Variable> all = {{"LD_PRELOAD", std::nullopt}, {"LD_DEBUG", std::nullopt}};
  all.insert(all.end(), changes.begin(), changes.end());
  std::vector<std::string> out;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const std::string_view name = entry.substr(0, entry.find('='));
    const bool changed =
        std::any_of(all.begin(), all.end(), [&](const Variable& v) { return v.first == name; });
    if (!changed) out.emplace_back(entry);
  }
  for (const auto& [name, value] : all) {
    if (value) out.push_back(name + "=" + *value);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& each : strings) out.push_back(each.data());
  out.push_back(nullptr);
  return out;
}

struct Start {
  std::vector<std::string> words;
  std::vector<std::string> environment;
  std::string directory;
  pid_t parent;
};

// In the child. Tells by `failed` why the program could not be started; a program that is started closes it.
[[noreturn]] void become(Start& start, int output, int errors, int failed) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != start.parent) _exit(127);
  const int none = open("/dev/null", O_RDONLY);
  dup2(none, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  if (start.directory.empty() || chdir(start.directory.c_str()) == 0) {
    execvpe(start.words[0].c_str(), pointers(start.words).data(),
            pointers(start.environment).data());
  }
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = write(failed, &reason, sizeof reason);
  _exit(127);
}

class Reader {
 public:
  Reader(Pipe& pipe, std::size_t most, bool keep_last)
      : pipe_(pipe), most_(most), keep_last_(keep_last) {
    fcntl(pipe.read_end(), F_SETFL, O_NONBLOCK);
  }

  bool open() const { return pipe_.read_end() >= 0; }
  int descriptor() const { return pipe_.read_end(); }

  // All that is there now.
  void drain() {
    std::array<char, 65536> part;
    while (open()) {
      const ssize_t got = read(descriptor(), part.data(), part.size());
      if (got > 0) {
        take({part.data(), static_cast<std::size_t>(got)});
      } else if (got < 0 && errno == EINTR) {
        continue;
      } else {
        if (got == 0 || errno != EAGAIN) pipe_.close_read();
        return;
      }
    }
  }

  std::string& text() { return text_; }
  bool cut() const { return cut_; }

 private:
  void take(std::string_view part) {
    text_ += part;
    if (text_.size() <= most_) return;
    cut_ = true;
    if (keep_last_) {
      text_.erase(0, text_.size() - most_);
    } else {
      text_.resize(most_);
    }
  }

  Pipe& pipe_;
  const std::size_t most_;
  const bool keep_last_;
  std::string text_;
  bool cut_ = false;
};

// Until the child has ended, or is killed. What it left in the pipes is read; a grandchild that still holds
// them is not waited for.
void follow(pid_t child, double timeout, Reader& output, Reader& errors, ChildResult& result) {
  const double start = now_seconds();
  int status = 0;
  rusage usage{};
  for (;;) {
    std::array<pollfd, 2> files = {pollfd{output.descriptor(), POLLIN, 0},
                                   pollfd{errors.descriptor(), POLLIN, 0}};
    poll(files.data(), files.size(), kLookEveryMs);  // a closed one is -1, which poll skips
    output.drain();
    errors.drain();
    const pid_t ended = wait4(child, &status, WNOHANG, &usage);
    if (ended == child) break;
    if (ended < 0 && errno != EINTR) throw std::runtime_error("a child was lost");
    if (now_seconds() - start < timeout) continue;
    result.timed_out = true;
    kill(-child, SIGKILL);
    while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    break;
  }
  result.seconds = now_seconds() - start;
  kill(-child, SIGKILL);  // what it may have left behind
  output.drain();
  errors.drain();
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
  result.peak_rss = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

ChildResult run_child(const ChildCommand& command) {
  Start start = {command.words, environment_for(command.environment), command.directory, getpid()};
  Pipe output;
  Pipe errors;
  Pipe failed;
  ChildResult result;
  const pid_t child = fork();
  if (child < 0) {
    result.start_failure = fmt::format("no process: {}", strerror(errno));
    return result;
  }
  if (child == 0) become(start, output.write_end(), errors.write_end(), failed.write_end());
  setpgid(child, child);  // here too: whoever is first
  output.close_write();
  errors.close_write();
  failed.close_write();
  int reason = 0;
  if (read(failed.read_end(), &reason, sizeof reason) == sizeof reason) {
    waitpid(child, nullptr, 0);
    result.start_failure =
        fmt::format("'{}' cannot be started: {}", command.words[0], strerror(reason));
    return result;
  }
  Reader said(output, command.most_output, false);
  Reader complained(errors, command.most_output, true);
  follow(child, command.timeout_seconds, said, complained, result);
  result.output = std::move(said.text());
  result.output_cut = said.cut();
  result.errors = std::move(complained.text());
  return result;
}

std::string failure_of(const ChildResult& result) {
  std::string failure;
  if (!result.start_failure.empty()) return result.start_failure;
  if (result.timed_out) {
    failure = fmt::format("not done after {:.0f} s, killed", result.seconds);
  } else if (result.signal != 0) {
    failure = fmt::format("killed by signal {} ({})", result.signal, strsignal(result.signal));
  } else if (result.code != 0) {
    failure = fmt::format("exit code {}", result.code);
  } else {
    return "";
  }
  const std::string last = last_line(result.errors);
  return last.empty() ? failure : failure + ": " + last;
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) return "";
  const std::size_t newline = text.find_last_of('\n', end);
  const std::size_t from = newline == std::string::npos ? 0 : newline + 1;
  std::string line = text.substr(from, end + 1 - from);
  if (line.size() > kLongestLine) line = line.substr(0, kLongestLine) + "...";
  return line;
}

}  // namespace acre::bench
