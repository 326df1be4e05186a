// A program as an embedder writes it: C++20, only <acre/acre.h>, built outside the tree against an
// installed Acre. A binary tree whose nodes are found by a bitmap, and which loses its halves.
#include <acre/acre.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#define EXPECT(condition)                                                          \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                \
    }                                                                              \
  } while (false)

namespace {

struct Tree {
  void* left;
  void* right;
  std::size_t depth;
};

class Client {
 public:
  Client() {
    EXPECT(acre_heap_create(nullptr, &heap_) == ACRE_OK);
    EXPECT(acre_thread_attach(heap_, &thread_) == ACRE_OK);
    const std::uint8_t references = 0b011;
    acre_kind_info info{};
    info.struct_size = sizeof info;
    info.name = "tree";
    info.pointer_bitmap = &references;
    info.element_words = 3;
    EXPECT(acre_kind_register(heap_, &info, &kind_) == ACRE_OK);
  }

  ~Client() {
    EXPECT(acre_thread_detach(thread_) == ACRE_OK);
    EXPECT(acre_heap_destroy(heap_) == ACRE_OK);
  }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Tree* grow(std::size_t depth) {
    auto* tree = static_cast<Tree*>(acre_alloc(thread_, sizeof(Tree), kind_));
    EXPECT(tree != nullptr);
    tree->depth = depth;
    if (depth > 0) {
      acre_store(thread_, tree, &tree->left, grow(depth - 1));
      acre_store(thread_, tree, &tree->right, grow(depth - 1));
    }
    return tree;
  }

  void run() {
    constexpr std::size_t depth = 15;
    constexpr std::size_t nodes = (std::size_t{1} << (depth + 1)) - 1;
    acre_handle* root = acre_handle_new(thread_, grow(depth));
    EXPECT(root != nullptr);
    for (int i = 0; i < 20; ++i) grow(10);  // garbage
    acre_collect(thread_);
    auto* tree = static_cast<Tree*>(acre_handle_get(root));
    EXPECT(count(tree) == nodes);
    EXPECT(acre_object_base(heap_, &tree->depth) == tree);
    EXPECT(acre_object_kind(heap_, tree) == kind_);

    const std::uint64_t before = live_bytes();
    acre_store(thread_, tree, &tree->left, nullptr);
    acre_collect(thread_);
    EXPECT(count(tree) == (nodes + 1) / 2);
    EXPECT(live_bytes() < before);
    EXPECT(acre_verify(heap_, nullptr, nullptr) == ACRE_OK);
    acre_handle_drop(root);
  }

 private:
  static std::size_t count(const void* any) {
    const auto* tree = static_cast<const Tree*>(any);
    return tree == nullptr ? 0 : 1 + count(tree->left) + count(tree->right);
  }

  std::uint64_t live_bytes() const {
    acre_stats stats{};
    stats.struct_size = sizeof stats;
    acre_stats_read(heap_, &stats);
    return stats.live_after_gc;
  }

  acre_heap* heap_ = nullptr;
  acre_thread* thread_ = nullptr;
  acre_kind kind_ = ACRE_KIND_NONE;
};

}  // namespace

int main() {
  Client client;
  client.run();
  std::puts("ok");
}
