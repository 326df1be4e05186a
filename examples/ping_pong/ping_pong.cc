// Ping-pong with 100,000 players: each is a fiber that waits, holding an object that only its stack refers to;
// a ball goes to all of them in turn, some times. Meanwhile the heap is collected. It shows what a fiber costs:
// time for a switch, resident memory, mappings of the kernel (VMAs).
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <acre/acre.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>

namespace {

using acre::Fiber;
using acre::Thread;

// An object without references.
struct Ball {
  long strokes = 0;
  long sum = 0;  // of the numbers of those who had it
};

// What a player holds.
struct Racket {
  long number = 0;
  long strokes = 0;
};

// An array of them is how the players are found: what is in none would be collected.
struct Place {
  acre::Member<Fiber> player;
  void trace(acre::Visitor& visitor) { visitor(player); }
};

Fiber* make_player(Thread& thread, long number) {
  return acre::make_fiber(
      thread,
      [number](Fiber& self) {
        auto* racket = self.thread().make<Racket>();
        racket->number = number;
        // What yield returns is what the next resume hands over: the ball, or nothing when the game is over.
        while (auto* ball = static_cast<Ball*>(self.yield())) {
          ++racket->strokes;
          ++ball->strokes;
          ball->sum += racket->number;
        }
      },
      ACRE_FIBER_STACK_MIN);
}

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

long count_vmas() {
  std::ifstream maps("/proc/self/maps");
  long count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

struct Settings {
  long players = 100'000;
  long rounds = 10;
};

// Returns whether all was as it must be.
bool play(const Settings& settings) {
  acre::Heap heap;
  Thread thread(heap);
  const uint64_t resident_before = acre_resident_bytes(heap);
  const long vmas_before = count_vmas();

  double start = now_seconds();
  acre::Root<Place> court(thread, thread.make_array<Place>(settings.players));
  Place* places = court.get();
  for (long i = 0; i < settings.players; ++i) {
    places[i].player = make_player(thread, i);
    // Until it yields for the first time it has no racket.
    places[i].player->resume(thread);
  }
  const double making = now_seconds() - start;
  fmt::print("{} players made in {:.0f} ms\n", settings.players, making * 1e3);

  double playing = 0;
  auto* ball = thread.make<Ball>();
  for (long round = 0; round < settings.rounds; ++round) {
    start = now_seconds();
    for (long i = 0; i < settings.players; ++i) places[i].player->resume(thread, ball);
    playing += now_seconds() - start;
    if (round % 2 == 0) thread.collect();
  }
  const uint64_t resident = acre_resident_bytes(heap) - resident_before;
  const long vmas = count_vmas() - vmas_before;
  const acre_stats stats = heap.stats();

  // Over: each leaves its loop and is done. Its stack is free at once.
  for (long i = 0; i < settings.players; ++i) places[i].player->resume(thread, nullptr);
  const uint64_t left = heap.stats().stacks;

  const double strokes =
      static_cast<double>(settings.players) * static_cast<double>(settings.rounds);
  fmt::print("{} strokes, {:.1f} million switches/s, each a resume and the yield that comes back\n",
             ball->strokes, strokes / playing / 1e6);
  fmt::print("{} collections, the longest pause {:.1f} ms\n", stats.num_gc,
             static_cast<double>(stats.pause_max_ns) / 1e6);
  fmt::print("resident per fiber: {} bytes, its stack and all that it holds\n",
             resident / static_cast<uint64_t>(settings.players));
  fmt::print("VMAs for all of them: {}\n", vmas);
  const long right = settings.players * (settings.players - 1) / 2 * settings.rounds;
  const bool good = ball->sum == right && left == 0;
  fmt::print("{}\n", good ? "every player had the ball in every round" : "SOMETHING WENT WRONG");
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A ball goes round among fibers: what a fiber costs.", "ping_pong");
  Settings settings;
  app.add_option("--players", settings.players, "fibers (default: 100000)")
      ->check(CLI::Range(1L, 10'000'000L))
      ->type_name("N");
  app.add_option("--rounds", settings.rounds, "how often each gets the ball (default: 10)")
      ->check(CLI::Range(1L, 1'000'000L))
      ->type_name("N");
  CLI11_PARSE(app, argc, argv);
  try {
    return play(settings) ? 0 : 1;
  } catch (const std::exception& error) {
    // Before Linux 6.13 a stack takes two VMAs, of which a process may have 65,530.
    fmt::print(stderr, "ping_pong: {}\n", error.what());
    return 1;
  }
}
