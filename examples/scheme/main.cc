// scheme: a small Scheme on Acre. `scheme --help` says how it is called.
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "examples/scheme/library/library.h"
#include "examples/scheme/repl.h"
#include "examples/scheme/text/printer.h"

namespace {

using namespace scheme;  // NOLINT(google-build-using-namespace)

constexpr const char* kHelp =
    "usage: scheme [-e EXPRESSION]... [FILE [ARGUMENT...]]\n"
    "\n"
    "Runs the expressions, then the file; without either it reads from the terminal, or from "
    "standard input.\n"
    "\n"
    "  -e EXPRESSION  run it and write its value\n"
    "  -i             read from the terminal in the end\n"
    "  --stats        say on stderr what the heap did\n"
    "  --help         this\n"
    "\n"
    "Exit status: 0; 1 after an error; 2 for a wrong command line; or what (exit n) says.\n"
    "The heap's options are variables of the environment: ACRE_TRACE=gc, ACRE_HARD_LIMIT=64MiB, "
    "ACRE_GC_EVERY=100.\n";

struct Arguments {
  std::vector<std::string> expressions;
  std::vector<std::string> command;  // the file and its arguments
  bool interactive = false;
  bool stats = false;
};

// False: it is wrong, which has been said.
bool parse(int argc, char** argv, Arguments* out) {
  int i = 1;
  for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; ++i) {
    const std::string option = argv[i];
    if (option == "-e") {
      if (++i == argc) {
        std::fprintf(stderr, "scheme: -e wants an expression\n");
        return false;
      }
      out->expressions.emplace_back(argv[i]);
    } else if (option == "-i") {
      out->interactive = true;
    } else if (option == "--stats") {
      out->stats = true;
    } else {
      std::fprintf(stderr, "scheme: no option %s; see --help\n", argv[i]);
      return false;
    }
  }
  out->command.assign(argv + i, argv + argc);
  return true;
}

int run(Machine& machine, const Arguments& arguments) {
  for (const std::string& expression : arguments.expressions) {
    TextInput input(from_utf8(expression), machine.store().file_number("-e"));
    const auto show = [](Value value) {
      if (value != kUnspecified) std::printf("%s\n", print(value, Style::kWrite).c_str());
    };
    machine.load(input, show);
  }
  if (!arguments.command.empty()) {
    const std::string& path = arguments.command[0];
    std::string text;
    if (!read_file(std::fopen(path.c_str(), "rb"), &text)) {
      std::fprintf(stderr, "scheme: cannot read %s\n", path.c_str());
      return 2;
    }
    TextInput input(from_utf8(text), machine.store().file_number(path));
    machine.load(input);
  }
  const bool nothing = arguments.command.empty() && arguments.expressions.empty();
  return nothing || arguments.interactive ? read_eval_print(machine) : 0;
}

void print_stats(Machine& machine) {
  const acre_stats stats = machine.store().heap().stats();
  std::fprintf(
      stderr,
      "%lu collections, %.3f s stopped; %lu objects allocated, %lu live; %.1f MiB of memory\n",
      static_cast<unsigned long>(stats.num_gc), static_cast<double>(stats.pause_total_ns) * 1e-9,
      static_cast<unsigned long>(stats.mallocs), static_cast<unsigned long>(stats.live_objects),
      static_cast<double>(stats.accounted) / (1 << 20));
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  Arguments arguments;
  for (int i = 1; i < argc && argv[i][0] == '-'; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) return std::fputs(kHelp, stdout) < 0 ? 1 : 0;
  }
  if (!parse(argc, argv, &arguments)) return 2;
  int status = 1;
  try {
    Machine machine;
    machine.command_line = arguments.command;
    try {
      install_library(machine);
      status = run(machine, arguments);
    } catch (const Raised& raised) {
      report(machine, raised.payload);
    } catch (const Exit& exit) {
      status = exit.code;
    }
    if (arguments.stats) print_stats(machine);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "scheme: %s\n", error.what());
  }
  if (std::fflush(stdout) != 0) status = 1;
  return status;
}
