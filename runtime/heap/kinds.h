// Owns the kinds of a heap: how the objects of each are traced, and the central lists of their
// spans.
//
// An object may begin with a word of the embedder's own, its header, which is no reference; the elements of a
// bitmap kind begin behind it:
//
//   | header | element | element | ... | part of an element |     the end of the object
//
// Kinds are only ever added. A kind's record is complete before count() includes it, so readers
// need no lock. The two built-in ones are there from the start.

#ifndef ACRE_RUNTIME_HEAP_KINDS_H_
#define ACRE_RUNTIME_HEAP_KINDS_H_

#include <atomic>

#include "acre/acre.h"
#include "runtime/arena/space.h"
#include "runtime/base/bits.h"
#include "runtime/base/lock.h"
#include "runtime/heap/central.h"

namespace acre::rt {

inline constexpr unsigned kMaxKinds = ACRE_MAX_KINDS;
inline constexpr unsigned kMaxElementWords = 4096;

enum class Tracing : uint8_t { kLeaf, kConservative, kBitmap, kFunction };

struct Kind {
  Tracing tracing;
  bool internal;  // its objects are Acre's own: not to be written, freed or resized by embedders
  bool explicitly_freed;   // ACRE_KIND_EXPLICIT; kLeaf
  uint8_t header_words;    // 1: each object begins with the embedder's header
  uint32_t element_words;  // kBitmap
  const uint64_t* bitmap;  // kBitmap: bit i % 64 of word i / 64
  acre_trace_fn trace;     // kFunction
  Central* centrals;       // kSizeClasses of them
  char name[32];

  // Whether word `word` of an object may be a reference; not for kFunction.
  bool refers(uint64_t word) const {
    if (tracing != Tracing::kBitmap) return tracing == Tracing::kConservative;
    return word >= header_words && bits::test(bitmap, (word - header_words) % element_words);
  }

  // The least that an object must have room for.
  uint64_t least_bytes() const { return (header_words + element_words) * sizeof(void*); }
};

// How a marker goes through the objects of one kind and size class, found by PageEntry::shape.
enum class Scan : uint8_t {
  kNone,   // leaf
  kMask,   // the words of `mask`; the object has at most 64
  kKept,   // of an explicit kind: as leaf, and not counted, since it lives whether marked or not
  kOther,  // by the kind's record
};
struct Shape {
  uint64_t mask;
  uint32_t bytes;  // of an object; 0: large, or kKept
  Scan scan;
};
static_assert(sizeof(Shape) == 16);

class KindTable {
 public:
  // Registers the built-in kinds. False: no memory.
  bool init(Space* space);

  // See acre_kind_register.
  acre_status add(const acre_kind_info& info, acre_kind* out, bool internal = false);

  // Around fork: nobody registers.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

  unsigned count() const { return count_.load(std::memory_order_acquire); }
  bool known(uint32_t kind) const { return kind < count(); }
  const Kind& get(uint32_t kind) const { return kinds_[kind]; }
  const Shape& shape(PageEntry entry) const { return shapes_[entry.shape()]; }
  Central& central(uint32_t kind, uint8_t size_class) const {
    return kinds_[kind].centrals[size_class];
  }

 private:
  acre_status append(const Kind& kind, const char* name, acre_kind* out);
  const uint64_t* copy_bitmap(const void* bits, size_t count);
  void fill_shapes(uint32_t number);

  Space* space_;
  Lock lock_;
  std::atomic<unsigned> count_;
  Shape* shapes_;
  Kind kinds_[kMaxKinds];
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_KINDS_H_
