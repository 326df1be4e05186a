// Owns death tests: what becomes of a child process that runs a piece of code, and what it prints.

#ifndef ACRE_TEST_RUNTIME_BASE_FORKED_CHILD_H_
#define ACRE_TEST_RUNTIME_BASE_FORKED_CHILD_H_

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

namespace acre::test {

struct ChildEnd {
  int status = 0;
  std::string stderr_text;

  bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  bool aborted() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }
};

// Runs `body` in a forked child, which exits with its result. The caller has one thread.
template <class Body>
ChildEnd in_forked_child(Body body) {
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    _exit(body());
  }
  close(ends[1]);
  ChildEnd end;
  char buffer[512];
  ssize_t count;
  while ((count = read(ends[0], buffer, sizeof(buffer))) > 0) {
    end.stderr_text.append(buffer, static_cast<size_t>(count));
  }
  close(ends[0]);
  BOOST_REQUIRE(waitpid(child, &end.status, 0) == child);
  return end;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace acre::test

#endif  // ACRE_TEST_RUNTIME_BASE_FORKED_CHILD_H_
