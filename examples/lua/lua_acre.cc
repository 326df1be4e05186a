// Runs Lua scripts, each in a state of its own, all of whose memory comes from one Acre heap: with a budget for each
// state, by several threads if wanted, and a report of where the memory went. Lua is Debian's library, as it is.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "examples/lua/interpreter.h"
#include "examples/lua/lua_memory.h"
#include "examples/lua/report.h"

namespace {

using acre::lua::Interpreter;
using acre::lua::LuaMemory;
using acre::lua::Outcome;
using acre::lua::StateLine;

// Until then a thread that is late was busy with something that ends; and nobody minds such a stop.
constexpr uint64_t kLateMs = 10;

struct Settings {
  std::vector<std::string> scripts;
  std::vector<std::string> arguments;
  size_t budget = std::numeric_limits<size_t>::max();
  unsigned threads = 1;
  unsigned states = 1;  // of each script
  bool report = false;
  bool use_malloc = false;

  size_t runs() const { return scripts.size() * states; }
  const std::string& script(size_t run) const { return scripts[run / states]; }
};

// A heap, with the kind of Lua's objects.
class Heap {
 public:
  Heap() {
    acre_status status = acre_heap_create(nullptr, &heap_);
    if (status == ACRE_OK) status = acre::lua::register_kind(heap_, &kind_);
    if (status != ACRE_OK) throw std::runtime_error(acre_strerror(status));
    const auto ask = [](acre_heap*, const acre_stop_report* late, void*) {
      (void)acre::lua::ask_to_stop(late->thread_number);
    };
    acre::lua::install_stop_signal();
    acre_set_stop_watchdog(heap_, kLateMs, ask, nullptr);
  }
  ~Heap() { acre_heap_destroy(heap_); }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  acre_heap* get() const { return heap_; }
  acre_kind kind() const { return kind_; }

 private:
  acre_heap* heap_ = nullptr;
  acre_kind kind_ = ACRE_KIND_NONE;
};

class Attached {
 public:
  explicit Attached(acre_heap* heap) {
    const acre_status status = acre_thread_attach(heap, &thread_);
    if (status != ACRE_OK) throw std::runtime_error(acre_strerror(status));
  }
  ~Attached() { acre_thread_detach(thread_); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  acre_thread* get() const { return thread_; }

 private:
  acre_thread* thread_ = nullptr;
};

StateLine run_on_heap(const Settings& settings, const Heap& heap, acre_thread* thread,
                      const std::string& script) {
  LuaMemory memory(thread, heap.kind(), settings.budget);
  Interpreter interpreter(&LuaMemory::allocate, &memory, thread);
  const Outcome outcome = interpreter.run(script, settings.arguments);
  return {script, memory.usage(), outcome.error};
}

void tell(const std::string& error) {
  if (!error.empty()) fmt::print(stderr, "lua_acre: {}\n", error);
}

bool run_all_with_malloc(const Settings& settings) {
  bool good = true;
  for (size_t i = 0; i < settings.runs(); ++i) {
    Interpreter interpreter(nullptr, nullptr, nullptr);
    const Outcome outcome = interpreter.run(settings.script(i), settings.arguments);
    tell(outcome.error);
    good = good && outcome.error.empty();
  }
  return good;
}

bool run_all_on_heap(const Settings& settings) {
  const Heap heap;
  std::vector<StateLine> states(settings.runs());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    const Attached thread(heap.get());
    for (size_t i = next++; i < states.size(); i = next++) {
      states[i] = run_on_heap(settings, heap, thread.get(), settings.script(i));
      tell(states[i].error);
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < settings.threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (settings.report) {
    acre::lua::print_states(states);
    acre::lua::print_heap(heap.get());
  }
  return std::all_of(states.begin(), states.end(),
                     [](const StateLine& state) { return state.error.empty(); });
}

int parse(int argc, char** argv, Settings& settings) {
  CLI::App app{
      "Runs Lua scripts, each in a state of its own, with memory from one Acre heap.\n"
      "Exit code: 0 when all scripts ended well, 1 when one had an error, else the command line "
      "was wrong."};
  app.add_option("script", settings.scripts, "files of Lua code")->required();
  app.add_option("--arg", settings.arguments, "an argument for all scripts; several by repeating")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--budget", settings.budget,
                 "the most bytes that a state may have; k, m, g: KiB, MiB, GiB")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--threads", settings.threads, "threads that run states")
      ->check(CLI::Range(1, 256));
  app.add_option("--states", settings.states,
                 "states that run each script, one after the other or at once")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--report", settings.report, "say at the end where memory went");
  app.add_flag("--malloc", settings.use_malloc, "use Lua's own allocator, to compare")
      ->excludes("--budget")
      ->excludes("--threads")
      ->excludes("--report");
  CLI11_PARSE(app, argc, argv);
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  const int wrong = parse(argc, argv, settings);
  if (wrong >= 0) return wrong;
  try {
    const bool good =
        settings.use_malloc ? run_all_with_malloc(settings) : run_all_on_heap(settings);
    return good ? 0 : 1;
  } catch (const std::exception& error) {
    tell(error.what());
    return 1;
  }
}
