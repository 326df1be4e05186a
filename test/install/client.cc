// A program as an embedder writes it: C++20, only <acre/acre.hpp>, built outside the tree against an
// installed Acre. A tree that loses its halves, with names kept by another kind of object.
#include <acre/acre.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#define EXPECT(condition)                                                          \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                \
    }                                                                              \
  } while (false)

namespace {

struct Name {  // a leaf: it holds no references
  char text[32];
};

struct Tree {
  acre::Member<Tree> left;
  acre::Member<Tree> right;
  acre::Member<Name> name;
  std::size_t depth = 0;

  void trace(acre::Visitor& visitor) { visitor(left, right, name); }
};

Tree* grow(acre::Thread& thread, std::size_t depth) {
  Tree* tree = thread.make<Tree>();
  tree->depth = depth;
  tree->name = thread.make<Name>();
  std::snprintf(tree->name->text, sizeof tree->name->text, "depth %zu", depth);
  if (depth > 0) {
    tree->left = grow(thread, depth - 1);
    tree->right = grow(thread, depth - 1);
  }
  return tree;
}

// The number of nodes, each of which must carry its name.
std::size_t count(const Tree* tree) {
  if (tree == nullptr) return 0;
  char text[32];
  std::snprintf(text, sizeof text, "depth %zu", tree->depth);
  EXPECT(std::string_view(text) == tree->name->text);
  return 1 + count(tree->left) + count(tree->right);
}

void halve_a_tree(acre::Heap& heap, acre::Thread& thread) {
  constexpr std::size_t depth = 14;
  constexpr std::size_t nodes = (std::size_t{1} << (depth + 1)) - 1;
  acre::Root<Tree> root(thread, grow(thread, depth));
  for (int i = 0; i < 50; ++i) grow(thread, 9);  // garbage
  thread.collect();
  EXPECT(count(root) == nodes);

  const std::uint64_t before = heap.stats().live_after_gc;
  root->left = nullptr;
  thread.collect();
  EXPECT(count(root) == (nodes + 1) / 2);
  EXPECT(heap.stats().live_after_gc < before);
  EXPECT(heap.verify());
}

void collect_beside_another_thread(acre::Heap& heap, acre::Thread& thread) {
  std::thread other([&heap] {
    acre::Thread mine(heap);
    EXPECT(count(grow(mine, 12)) == 8191);
  });
  for (int i = 0; i < 5; ++i) thread.collect();
  const acre::Blocking blocking(thread);
  other.join();
}

void fill_a_vector(acre::Thread& thread) {
  std::vector<std::size_t, acre::StlAllocator<std::size_t>> numbers{
      acre::StlAllocator<std::size_t>(thread)};
  for (std::size_t i = 0; i < 100000; ++i) numbers.push_back(i);
  thread.collect();
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT(numbers[i] == i);
}

bool runs_out(acre::Thread& thread) {
  try {
    thread.make_array<char>(std::size_t{1} << 60);
  } catch (const acre::OutOfMemory&) {
    return thread.last_error() == ACRE_E_NOMEM;
  }
  return false;
}

}  // namespace

int main() {
  acre::Heap heap;
  acre::Thread thread(heap);
  halve_a_tree(heap, thread);
  collect_beside_another_thread(heap, thread);
  fill_a_vector(thread);
  EXPECT(runs_out(thread));
  thread.release_memory();
  EXPECT(heap.verify());
  std::puts("ok");
}
