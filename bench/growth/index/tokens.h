// From a file to its identifiers, by way of the heap.
//
// An identifier is a letter or underscore and what follows of letters, digits and underscores (ASCII),
// wherever it stands: code, comment or string; keywords count. A number takes the letters that belong to
// it along (0x1F, 10ull, 1e5 hold no identifier). A file is text if it has no zero byte.
//
// The file's content and the token buffer are leaf objects, garbage as soon as the file is indexed.
#pragma once

#include <cstdint>
#include <string>

#include "bench/growth/index/source_files.h"
#include "bench/growth/mutator.h"

namespace acre::bench {

struct Token {
  std::uint32_t offset;  // into the content
  std::uint32_t length;
  std::uint32_t line;  // from 1
  std::uint32_t hash;
};

struct Tokens {
  const char* content = nullptr;  // both are objects of the heap
  const Token* items = nullptr;
  std::size_t count = 0;
};

// FNV-1a, 32 bits.
std::uint32_t hash_of(const char* text, std::size_t length);

// Reads and splits a file. False if there is nothing to index: unreadable, binary, too large (tallied).
bool read_tokens(Mutator& mutator, const SourceFile& file, FileTally& tally, Tokens& out);

}  // namespace acre::bench
