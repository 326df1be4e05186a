// Owns the size classes: which sizes small objects have and how many pages a span of each takes.
//
// Sizes and pages are Go 1.23's (sizeclasses.go), from 16 bytes up and without the one that is no
// multiple of the granule (24). Class 0 is not a size: it marks large objects, above 32 KiB.
// The choice is a trade: more classes waste less inside objects (at most 12.5 % of a span is left at
// its end, by design) and more in spans that are partly empty; longer spans
// are refilled less often but are freed less often too, since every object in them must be dead.

#ifndef ACRE_RUNTIME_SPAN_SIZE_CLASS_H_
#define ACRE_RUNTIME_SPAN_SIZE_CLASS_H_

#include <array>
#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

inline constexpr unsigned kSizeClasses = 66;
inline constexpr uint8_t kLargeClass = 0;
inline constexpr uint64_t kMaxSmallBytes = 32 * kKiB;

struct SizeClass {
  uint32_t bytes;       // of an object
  uint32_t pages;       // of a span
  uint32_t elements;    // objects in a span
  uint32_t reciprocal;  // ceil(2^32 / bytes): offset * reciprocal >> 32 is offset / bytes in a span

  constexpr SizeClass(uint32_t object_bytes, uint32_t span_pages)
      : bytes(object_bytes),
        pages(span_pages),
        elements(object_bytes == 0 ? 1
                                   : static_cast<uint32_t>(span_pages * kPageBytes / object_bytes)),
        reciprocal(object_bytes == 0 ? 0 : static_cast<uint32_t>(0xffffffffu / object_bytes) + 1) {}

  constexpr uint32_t used_bytes() const { return elements * bytes; }
};

inline constexpr std::array<SizeClass, kSizeClasses> kClasses = {{
    {0, 0},     {16, 1},    {32, 1},    {48, 1},    {64, 1},    {80, 1},    {96, 1},    {112, 1},
    {128, 1},   {144, 1},   {160, 1},   {176, 1},   {192, 1},   {208, 1},   {224, 1},   {240, 1},
    {256, 1},   {288, 1},   {320, 1},   {352, 1},   {384, 1},   {416, 1},   {448, 1},   {480, 1},
    {512, 1},   {576, 1},   {640, 1},   {704, 1},   {768, 1},   {896, 1},   {1024, 1},  {1152, 1},
    {1280, 1},  {1408, 2},  {1536, 1},  {1792, 2},  {2048, 1},  {2304, 2},  {2688, 1},  {3072, 3},
    {3200, 2},  {3456, 3},  {4096, 1},  {4864, 3},  {5376, 2},  {6144, 3},  {6528, 4},  {6784, 5},
    {6912, 6},  {8192, 1},  {9472, 7},  {9728, 6},  {10240, 5}, {10880, 4}, {12288, 3}, {13568, 5},
    {14336, 7}, {16384, 2}, {18432, 9}, {19072, 7}, {20480, 5}, {21760, 8}, {24576, 3}, {27264, 10},
    {28672, 7}, {32768, 4},
}};

// The class for a request of up to 32 KiB, by its size in granules, rounded up; size 0 takes the
// first.
inline constexpr auto kClassByGranules = [] {
  std::array<uint8_t, kMaxSmallBytes / kGranuleBytes + 1> table{};
  unsigned size_class = 1;
  for (size_t granules = 0; granules < table.size(); ++granules) {
    while (kClasses[size_class].bytes < granules * kGranuleBytes) ++size_class;
    table[granules] = static_cast<uint8_t>(size_class);
  }
  return table;
}();

// `bytes` is at most kMaxSmallBytes.
constexpr uint8_t class_for(uint64_t bytes) {
  return kClassByGranules[(bytes + kGranuleBytes - 1) >> kGranuleShift];
}

// Where objects begin, as alloc bits lie: bit g % 64 of word g / 64 for granule g of a span; and from
// which word on the masks of a class are in the table.
inline constexpr uint32_t kWordsPerPage = kGranulesPerPage / 64;
inline constexpr auto kSlotMaskStart = [] {
  std::array<uint16_t, kSizeClasses + 1> start{};
  for (unsigned i = 0; i < kSizeClasses; ++i) {
    start[i + 1] = static_cast<uint16_t>(start[i] + kClasses[i].pages * kWordsPerPage);
  }
  return start;
}();
inline constexpr auto kSlotMasks = [] {
  std::array<uint64_t, kSlotMaskStart[kSizeClasses]> masks{};
  for (unsigned i = 1; i < kSizeClasses; ++i) {
    for (uint32_t element = 0; element < kClasses[i].elements; ++element) {
      const uint32_t granule = element * kClasses[i].bytes >> kGranuleShift;
      masks[kSlotMaskStart[i] + granule / 64] |= uint64_t{1} << (granule % 64);
    }
  }
  return masks;
}();
// `size_class` is not that of large objects.
constexpr const uint64_t* slot_masks(uint8_t size_class) {
  return &kSlotMasks[kSlotMaskStart[size_class]];
}

constexpr uint32_t element_at(uint8_t size_class, uint32_t offset_in_span) {
  return static_cast<uint32_t>((uint64_t{offset_in_span} * kClasses[size_class].reciprocal) >> 32);
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_SPAN_SIZE_CLASS_H_
