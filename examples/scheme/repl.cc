#include "examples/scheme/repl.h"

#include <editline/readline.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "examples/scheme/text/printer.h"

namespace scheme {

namespace {

constexpr int kRemembered = 1000;

std::string history_path() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.acre_scheme_history";
}

// Lines from the terminal. The prompt says whether a form is under way.
class Terminal {
 public:
  explicit Terminal(Machine& machine) : machine_(machine), path_(history_path()) {
    using_history();
    stifle_history(kRemembered);
    if (!path_.empty()) read_history(path_.c_str());
  }
  ~Terminal() {
    if (!path_.empty()) write_history(path_.c_str());
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::u32string line() {
    std::fflush(stdout);
    char* given = nullptr;
    {
      const acre::Blocking waiting(
          machine_.store().thread());  // acre: safepoint: collections do not wait for who types
      given = readline(in_form ? "... " : "> ");
    }
    if (given == nullptr) return {};
    if (*given != '\0') add_history(given);
    std::u32string line = from_utf8(given) + U"\n";
    std::free(given);  // NOLINT(cppcoreguidelines-no-malloc): the library's
    in_form = true;
    return line;
  }

  bool in_form = false;

 private:
  Machine& machine_;
  std::string path_;
};

std::u32string line_of_stdin(Machine& machine) {
  TextInput& input = *machine.ports().state(machine.ports().input()).input;
  std::u32string line;
  for (int64_t c; (c = input.next()) != TextInput::kEnd;) {
    line.push_back(static_cast<char32_t>(c));
    if (c == '\n') break;
  }
  return line;
}

// True: there was an error.
bool converse(Machine& machine, TextInput& input, const std::function<void()>& done) {
  try {
    machine.load(input, [&](Value value) {
      if (value != kUnspecified) std::printf("%s\n", print(value, Style::kWrite).c_str());
      done();
    });
    return false;
  } catch (const Raised& raised) {
    const Keep payload(machine.store(), raised.payload);
    report(machine, payload);
    return true;
  }
}

}  // namespace

int read_eval_print(Machine& machine) {
  const uint32_t file = machine.store().file_number("repl");
  if (isatty(STDIN_FILENO) == 0) {
    TextInput input([&] { return line_of_stdin(machine); }, machine.store().file_number("stdin"));
    bool failed = false;
    while (converse(machine, input, [] {})) failed = true;
    return failed ? 1 : 0;
  }
  Terminal terminal(machine);
  bool ended = false;
  while (!ended) {
    // What was typed of a form with an error in it is forgotten.
    terminal.in_form = false;
    TextInput input(
        [&] {
          std::u32string line = terminal.line();
          ended = line.empty();
          return line;
        },
        file);
    while (converse(machine, input, [&] { terminal.in_form = false; }) && !ended) {
      terminal.in_form = false;
      break;
    }
  }
  std::printf("\n");
  return 0;
}

void report(Machine& machine, Value payload) {
  std::string text = machine.place_of(payload);
  if (payload.is(Type::kCondition)) {
    text += print(tuple(payload)->at(kMessage), Style::kDisplay);
    for (Value rest = tuple(payload)->at(kIrritants); rest.is_pair(); rest = cdr(rest)) {
      text += " " + print(car(rest), Style::kWrite);
    }
  } else {
    text += "raised: " + print(payload, Style::kWrite);
  }
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace scheme
