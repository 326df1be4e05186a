// A graph of objects whose only roots are on the stacks of fibers, against a model of it. Fibers call deeper and
// return, allocate, take objects from each other, resume each other, are suspended on one thread and go on on
// another, end, or are dropped wherever they are. At a meeting of the threads a collection must leave what the
// model holds, and with precise roots nothing else.
//
// Structure. A Level is a frame of the function that every fiber runs: two slots for objects, which are locals
// where stacks are not scanned, and plain words where they are. A thread that has locked a fiber's slot sends it a
// Command as the value of a resume, and repeats in the model what that does. Objects are not changed once they
// are made, so a Node may be held by fibers of several threads.

#include <pthread.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "test/gc/torture/torture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

constexpr unsigned kRefs = 3;
constexpr unsigned kLocals = 2;
constexpr unsigned kFibers = 48;
constexpr size_t kMostLevels = 12;
constexpr unsigned kLongestPath = 100;

struct Object {
  uint64_t id;
  Object* refs[kRefs];
};
constexpr uint8_t kObjectReferences = 0b1110;

struct Node {
  uint64_t id = 0;
  Object* object = nullptr;
  unsigned path = 0;  // the longest below
  std::array<std::shared_ptr<const Node>, kRefs> refs;
};
using NodeRef = std::shared_ptr<const Node>;

enum class Op : uint8_t { kPush, kPop, kFinish, kAllocate, kSet, kCheck, kCollect, kResume };

struct Place {
  unsigned levels_down;
  unsigned local;
};

struct Command {
  Op op;
  acre_thread* thread = nullptr;
  acre_kind kind = ACRE_KIND_NONE;
  Place place = {};
  Object* object = nullptr;  // in: kSet; out: kAllocate
  uint64_t id = 0;
  unsigned refs = 0;
  Place from[kRefs] = {};
  const std::vector<std::array<NodeRef, kLocals>>* expected = nullptr;  // kCheck
  acre_fiber* other = nullptr;                                          // kResume
  Command* inner = nullptr;
  bool good = true;
};

struct Level {
  Level* below;
  bool precise;
  acre_local locals[kLocals];
};

Object*& slot(Level* level, Place place) {
  for (unsigned i = 0; i < place.levels_down; ++i) level = level->below;
  return reinterpret_cast<Object*&>(level->locals[place.local].object);
}

void allocate(Level* top, Command* command) {
  auto* object = static_cast<Object*>(acre_alloc(command->thread, sizeof(Object), command->kind));
  command->object = object;
  if (object == nullptr) return;
  object->id = command->id;
  for (unsigned i = 0; i < command->refs; ++i) {
    acre_store(command->thread, object, reinterpret_cast<void**>(&object->refs[i]),
               slot(top, command->from[i]));
  }
  slot(top, command->place) = object;
}

bool is_as_expected(Level* top, const std::vector<std::array<NodeRef, kLocals>>& expected) {
  Level* level = top;
  for (auto at = expected.rbegin(); at != expected.rend(); ++at, level = level->below) {
    if (level == nullptr) return false;
    for (unsigned i = 0; i < kLocals; ++i) {
      const auto* object = static_cast<const Object*>(level->locals[i].object);
      const NodeRef& node = (*at)[i];
      if ((object == nullptr) != (node == nullptr)) return false;
      if (object != nullptr && (object != node->object || object->id != node->id)) return false;
    }
  }
  return level == nullptr;
}

// True: the fiber shall end.
bool run_level(acre_fiber* self, Level* below, bool precise) {
  Level level{below, precise, {}};
  if (precise) {
    for (acre_local& local : level.locals) acre_local_push(acre_fiber_thread(self), &local);
  }
  bool finish = false;
  for (bool stays = true; stays;) {
    auto* command = static_cast<Command*>(acre_fiber_yield(self, self));
    command->good &= acre_fiber_thread(self) == command->thread;
    switch (command->op) {
      case Op::kPush: finish = run_level(self, &level, precise); break;
      case Op::kFinish: finish = true; break;
      case Op::kPop: stays = false; break;
      case Op::kAllocate: allocate(&level, command); break;
      case Op::kSet: slot(&level, command->place) = command->object; break;
      case Op::kCheck: command->good &= is_as_expected(&level, *command->expected); break;
      case Op::kCollect: acre_collect(command->thread); break;
      case Op::kResume:
        command->good &=
            acre_fiber_resume(command->thread, command->other, command->inner) == command->other;
        break;
    }
    stays &= !finish;
  }
  if (precise) {
    for (unsigned i = kLocals; i-- > 0;) {
      (void)acre_local_pop(acre_fiber_thread(self), &level.locals[i]);
    }
  }
  return finish;
}

void* run_scanned(acre_fiber* self, void*) {
  run_level(self, nullptr, false);
  return nullptr;
}
void* run_precise(acre_fiber* self, void*) {
  run_level(self, nullptr, true);
  return nullptr;
}

struct Setting {
  bool precise;
  unsigned threads;
  int gc_every;
  int mark_threads;
  double seconds;
  int steps;
};

acre_options options(const Setting& setting) {
  acre_options options = quiet_options(rt::kGiB);
  options.conservative_stacks = setting.precise ? 0 : 1;
  options.gc_every = setting.gc_every;
  options.mark_threads = setting.mark_threads;
  options.verify = 1;
  options.clobber_free = 1;
  return options;
}

class Play {
 public:
  Play(const Setting& setting, uint64_t seed)
      : setting_(setting), seed_(seed), heap_(options(setting)), deadline_(setting.seconds) {
    acre_kind_info info{};
    info.struct_size = sizeof(info);
    info.name = "object";
    info.pointer_bitmap = &kObjectReferences;
    info.element_words = 1 + kRefs;
    kind_ = heap_.kind(info);
    for (Actor& actor : actors_) actor.handle = acre_handle_new(heap_.thread(), nullptr);
    pthread_barrier_init(&barrier_, nullptr, setting.threads);
  }
  ~Play() {
    for (Actor& actor : actors_) acre_handle_drop(actor.handle);
    pthread_barrier_destroy(&barrier_);
  }
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;

  void run() {
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < setting_.threads; ++i) {
      threads.emplace_back([this, i] {
        acre_thread* thread = nullptr;
        require(acre_thread_attach(heap_.get(), &thread) == ACRE_OK, "a thread attaches");
        act(thread, i);
        acre_thread_detach(thread);
      });
    }
    act(heap_.thread(), 0);
    acre_blocking_begin(heap_.thread());
    for (std::thread& thread : threads) thread.join();
    acre_blocking_end(heap_.thread());
    BOOST_TEST(steps_ > 0u);
    BOOST_TEST_MESSAGE(steps_ << " steps, " << heap_.stats().num_gc << " collections, " << ended_
                              << " fibers ended, " << dropped_ << " dropped");
  }

 private:
  struct Actor {
    std::mutex mutex;
    acre_handle* handle = nullptr;
    acre_fiber* fiber = nullptr;  // what the handle holds
    std::vector<std::array<NodeRef, kLocals>> levels;
  };
  using Random = std::mt19937_64;

  void require(bool holds, const char* what) const {
    if (holds) return;
    std::fprintf(stderr, "shadow_fibers: not so: %s (ACRE_TEST_SEED=%llu)\n", what,
                 static_cast<unsigned long long>(seed_));
    std::abort();
  }

  void meet(acre_thread* thread) {
    acre_blocking_begin(thread);
    pthread_barrier_wait(&barrier_);
    acre_blocking_end(thread);
  }

  void act(acre_thread* thread, unsigned number) {
    Random random(seed_ * 31 + number);
    do {
      for (int i = 0; i < setting_.steps; ++i) step(thread, random);
      meet(thread);
      if (number == 0) {
        compare(thread);
        is_over_ = deadline_.passed();
      }
      meet(thread);
    } while (!is_over_);
  }

  void step(acre_thread* thread, Random& random) {
    Actor& actor = actors_[random() % kFibers];
    const std::unique_lock<std::mutex> lock(actor.mutex, std::try_to_lock);
    if (!lock.owns_lock()) return;
    ++steps_;
    if (actor.fiber == nullptr) return begin(thread, actor, random);
    const auto what = random() % 100;
    if (what < 20) {
      if (actor.levels.size() < kMostLevels) {
        command(thread, actor, {.op = Op::kPush});
        actor.levels.emplace_back();
      }
    } else if (what < 36) {
      command(thread, actor, {.op = Op::kPop});
      actor.levels.pop_back();
      if (actor.levels.empty()) end(actor);
    } else if (what < 70) {
      make_object(thread, actor, random);
    } else if (what < 76) {
      const Place place = random_place(actor, random);
      command(thread, actor, {.op = Op::kSet, .place = place, .object = nullptr});
      at(actor, place) = nullptr;
    } else if (what < 84) {
      command(thread, actor, {.op = Op::kCheck, .expected = &actor.levels});
    } else if (what < 85) {
      command(thread, actor, {.op = Op::kCollect});
    } else if (what < 86) {
      command(thread, actor, {.op = Op::kFinish});
      end(actor);
    } else if (what < 88) {
      drop(actor);
    } else {
      with_another(thread, actor, random);
    }
  }

  void begin(acre_thread* thread, Actor& actor, Random& random) {
    const size_t bytes = size_t{8 << 10} << (random() % 4);
    acre_fiber* fiber = nullptr;
    require(acre_fiber_new(thread, bytes, setting_.precise ? &run_precise : &run_scanned, nullptr,
                           &fiber) == ACRE_OK,
            "a fiber is made");
    acre_handle_set(actor.handle, fiber);
    actor.fiber = fiber;
    require(acre_fiber_resume(thread, fiber, nullptr) == fiber, "a new fiber yields itself");
    actor.levels.assign(1, {});
  }

  // It forgot its objects and its handle.
  void end(Actor& actor) {
    require(acre_fiber_done(actor.fiber) == 1, "it is done");
    ++ended_;
    forget(actor);
  }
  void drop(Actor& actor) {
    ++dropped_;
    forget(actor);
  }
  void forget(Actor& actor) {
    acre_handle_set(actor.handle, nullptr);
    actor.fiber = nullptr;
    actor.levels.clear();
  }

  void command(acre_thread* thread, Actor& actor, Command what) { send(thread, actor, &what); }
  void send(acre_thread* thread, Actor& actor, Command* what) {
    what->thread = thread;
    what->kind = kind_;
    const void* result = acre_fiber_resume(thread, actor.fiber, what);
    require(result == actor.fiber || acre_fiber_done(actor.fiber) == 1, "it yields itself");
    require(what->good, "the fiber finds what the model says");
  }

  Place random_place(const Actor& actor, Random& random) {
    return {static_cast<unsigned>(random() % actor.levels.size()),
            static_cast<unsigned>(random() % kLocals)};
  }
  static NodeRef& at(Actor& actor, Place place) {
    return actor.levels[actor.levels.size() - 1 - place.levels_down][place.local];
  }

  void make_object(acre_thread* thread, Actor& actor, Random& random) {
    auto node = std::make_shared<Node>();
    node->id = next_id_++;
    Command what{.op = Op::kAllocate, .place = random_place(actor, random), .id = node->id};
    for (unsigned i = 0; i < kRefs; ++i) {
      const Place from = random_place(actor, random);
      const NodeRef& to = at(actor, from);
      if (to == nullptr || to->path >= kLongestPath) continue;
      what.from[what.refs] = from;
      node->refs[what.refs++] = to;
      node->path = std::max(node->path, to->path + 1);
    }
    send(thread, actor, &what);
    require(what.object != nullptr, "there is memory");
    node->object = what.object;
    at(actor, what.place) = node;
  }

  // Takes an object of another fiber, or has that resumed by this one.
  void with_another(acre_thread* thread, Actor& actor, Random& random) {
    Actor& other = actors_[random() % kFibers];
    if (&other == &actor) return;
    const std::unique_lock<std::mutex> lock(other.mutex, std::try_to_lock);
    if (!lock.owns_lock() || other.fiber == nullptr) return;
    if (random() % 2 == 0) {
      const NodeRef node = at(other, random_place(other, random));
      const Place place = random_place(actor, random);
      Object* object = node == nullptr ? nullptr : node->object;
      command(thread, actor, {.op = Op::kSet, .place = place, .object = object});
      at(actor, place) = node;
      return;
    }
    Command inner{.op = random() % 4 == 0 ? Op::kCollect : Op::kCheck,
                  .thread = thread,
                  .expected = &other.levels};
    command(thread, actor, {.op = Op::kResume, .other = other.fiber, .inner = &inner});
    require(inner.good, "a fiber that a fiber resumed finds what the model says");
  }

  void reach(const NodeRef& node, std::map<Object*, const Node*>* reached) const {
    if (node == nullptr || !reached->emplace(node->object, node.get()).second) return;
    require(node->object->id == node->id, "an object has its number");
    for (unsigned i = 0; i < kRefs; ++i) {
      const Node* to = node->refs[i].get();
      require(node->object->refs[i] == (to == nullptr ? nullptr : to->object),
              "an object refers to what it was made with");
      reach(node->refs[i], reached);
    }
  }

  // All others wait.
  void compare(acre_thread* thread) {
    acre_collect(thread);
    std::map<Object*, const Node*> reached;
    uint64_t alive = 0;
    for (Actor& actor : actors_) {
      if (actor.fiber != nullptr) ++alive;
      for (const auto& level : actor.levels) {
        for (const NodeRef& node : level) reach(node, &reached);
      }
    }
    struct Walk {
      acre_kind kind;
      std::map<Object*, const Node*>* reached;
      uint64_t found = 0;
      uint64_t others = 0;
    } walk{kind_, &reached};
    const acre_status status = acre_heap_walk(
        heap_.get(),
        [](void* object, size_t, acre_kind kind, void* arg) {
          auto* state = static_cast<Walk*>(arg);
          const bool known =
              kind == state->kind && state->reached->count(static_cast<Object*>(object)) != 0;
          ++(known ? state->found : state->others);
          return 0;
        },
        &walk);
    require(status == ACRE_OK, "the heap can be walked");
    require(walk.found == reached.size(), "what the model holds is there");
    if (setting_.precise) {
      require(walk.others == alive, "only objects of the model and fibers are there");
      require(heap_.stats().stacks == alive, "stacks are those of the fibers that live");
    }
    const std::string complaints = heap_.complaints();
    require(complaints.empty(), complaints.c_str());
  }

  Setting setting_;
  uint64_t seed_;
  TestHeap heap_;
  Deadline deadline_;
  acre_kind kind_ = ACRE_KIND_NONE;
  Actor actors_[kFibers];
  pthread_barrier_t barrier_;
  bool is_over_ = false;
  std::atomic<uint64_t> next_id_{1};
  std::atomic<uint64_t> steps_{0};
  std::atomic<uint64_t> ended_{0};
  std::atomic<uint64_t> dropped_{0};
};

void play(const Setting& setting) { Play(setting, random_seed()).run(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(shadow_fibers)

BOOST_AUTO_TEST_CASE(scanned_stacks_hold_what_the_model_says) {
  play({.precise = false,
        .threads = 1,
        .gc_every = 9,
        .mark_threads = 1,
        .seconds = 1.5,
        .steps = 2000});
}

BOOST_AUTO_TEST_CASE(scanned_stacks_hold_it_on_whatever_thread_they_go_on) {
  play({.precise = false,
        .threads = 3,
        .gc_every = 40,
        .mark_threads = 2,
        .seconds = 1.5,
        .steps = 1000});
}

BOOST_AUTO_TEST_CASE(locals_of_fibers_hold_exactly_what_the_model_says) {
  play({.precise = true,
        .threads = 1,
        .gc_every = 9,
        .mark_threads = 1,
        .seconds = 1.5,
        .steps = 2000});
}

BOOST_AUTO_TEST_CASE(locals_of_fibers_hold_it_on_whatever_thread_they_go_on) {
  play({.precise = true,
        .threads = 3,
        .gc_every = 40,
        .mark_threads = 2,
        .seconds = 1.5,
        .steps = 1000});
}

BOOST_AUTO_TEST_CASE(a_collection_at_every_allocation_changes_nothing) {
  for (const bool precise : {false, true}) {
    play({.precise = precise,
          .threads = 1,
          .gc_every = 1,
          .mark_threads = 2,
          .seconds = 0.5,
          .steps = 300});
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::test
