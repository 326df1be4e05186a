// Owns the kinds of the shadow graph: one of each way to tell the collector where references are, and for
// each the same knowledge in plain code, for the model.
//
//   leaf          no word              (the built-in kind, and one registered without bitmap and trace)
//   conservative  every word
//   bitmap        word w if bit w % element_words of the bitmap is set: elements of 1, 2, 3, 65, 4096 words; with
//                 a header, which is a data word, they begin behind it
//   counted       a trace function reads a count c in word 0: words 1..c
//   mixed         a trace function: conservatively the first half, and every even word of the second

#ifndef ACRE_TEST_GC_TORTURE_SHADOW_KINDS_H_
#define ACRE_TEST_GC_TORTURE_SHADOW_KINDS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "acre/acre.h"

namespace acre::test {

enum class Layout : uint8_t { kLeaf, kConservative, kBitmap, kCounted, kMixed };

struct ShadowKind {
  acre_kind number = ACRE_KIND_NONE;
  Layout layout = Layout::kLeaf;
  std::vector<bool> bitmap = {};
  size_t header_words = 0;

  bool is_counted() const { return layout == Layout::kCounted; }
  size_t least_bytes() const { return (bitmap.size() + header_words) * sizeof(void*); }

  // `count` is what word 0 says, of a counted object.
  bool is_reference(size_t word, size_t words, uint64_t count) const {
    switch (layout) {
      case Layout::kLeaf: return false;
      case Layout::kConservative: return true;
      case Layout::kBitmap:
        return word >= header_words && bitmap[(word - header_words) % bitmap.size()];
      case Layout::kCounted: return word >= 1 && word <= count;
      case Layout::kMixed: return word < words / 2 || word % 2 == 0;
    }
    return false;
  }
};

inline void trace_counted(void* object, size_t size, acre_visitor* visitor) {
  auto* words = static_cast<void**>(object);
  const uint64_t count =
      std::min<uint64_t>(*static_cast<uint64_t*>(object), size / sizeof(void*) - 1);
  for (uint64_t i = 1; i <= count; ++i) acre_visit(visitor, &words[i]);
}

inline void trace_mixed(void* object, size_t size, acre_visitor* visitor) {
  auto* words = static_cast<void**>(object);
  const size_t count = size / sizeof(void*);
  acre_visit_conservative(visitor, object, count / 2 * sizeof(void*));
  for (size_t i = count / 2; i < count; ++i) {
    if (i % 2 == 0) acre_visit(visitor, &words[i]);
  }
}

// Registers them; empty if that failed.
inline std::vector<ShadowKind> register_shadow_kinds(acre_heap* heap) {
  std::vector<ShadowKind> kinds = {
      {ACRE_KIND_LEAF, Layout::kLeaf},
      {ACRE_KIND_CONSERVATIVE, Layout::kConservative},
      {ACRE_KIND_NONE, Layout::kLeaf},
      {ACRE_KIND_NONE, Layout::kBitmap, {true}},
      {ACRE_KIND_NONE, Layout::kBitmap, {false, true}},
      {ACRE_KIND_NONE, Layout::kBitmap, {true, true, false}},
      {ACRE_KIND_NONE, Layout::kBitmap, std::vector<bool>(65, false)},
      {ACRE_KIND_NONE, Layout::kBitmap, std::vector<bool>(4096, false)},
      {ACRE_KIND_NONE, Layout::kCounted},
      {ACRE_KIND_NONE, Layout::kMixed},
      {ACRE_KIND_NONE, Layout::kLeaf, {}, 1},
      {ACRE_KIND_NONE, Layout::kBitmap, {true}, 1},
      {ACRE_KIND_NONE, Layout::kBitmap, {true, false, true}, 1},
      {ACRE_KIND_NONE, Layout::kBitmap, std::vector<bool>(130, true), 1},
      {ACRE_KIND_NONE, Layout::kCounted, {}, 1},
  };
  for (const size_t bit : {0, 63, 64}) kinds[6].bitmap[bit] = true;
  for (const size_t bit : {1, 62, 100, 1023, 4095}) kinds[7].bitmap[bit] = true;
  for (ShadowKind& kind : kinds) {
    if (kind.number != ACRE_KIND_NONE) continue;
    std::vector<uint8_t> bits((kind.bitmap.size() + 7) / 8);
    for (size_t i = 0; i < kind.bitmap.size(); ++i) {
      if (kind.bitmap[i]) bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | 1u << i % 8);
    }
    acre_kind_info info{};
    info.struct_size = sizeof(info);
    info.pointer_bitmap = bits.empty() ? nullptr : bits.data();
    info.element_words = kind.bitmap.size();
    info.flags = kind.header_words != 0 ? ACRE_KIND_HAS_HEADER : 0;
    if (kind.layout == Layout::kCounted) info.trace = &trace_counted;
    if (kind.layout == Layout::kMixed) info.trace = &trace_mixed;
    if (acre_kind_register(heap, &info, &kind.number) != ACRE_OK) return {};
  }
  return kinds;
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_TORTURE_SHADOW_KINDS_H_
