// From text to data. The place of each list that was read is remembered by its address, which is enough: objects of
// Acre do not move. The memory of places is for one datum and its compilation.
#ifndef ACRE_EXAMPLES_SCHEME_TEXT_READER_H_
#define ACRE_EXAMPLES_SCHEME_TEXT_READER_H_

#include <string>
#include <unordered_map>

#include "examples/scheme/text/ports.h"

namespace scheme {

using Places = std::unordered_map<const Pair*, Position>;

class Reader {
 public:
  Reader(Store& store, TextInput& input, Places* places = nullptr)
      : store_(store), input_(input), places_(places) {}

  // The next datum, or kEof. Throws Raised with a place: sort "read". It needs some 400 bytes of stack for each
  // level, of which there are kDeepest at most.
  Value read();

  static constexpr int kDeepest = 5000;

 private:
  [[noreturn]] void error(const Position& where, std::string_view message);
  void skip_space();
  void skip_block_comment();
  Value datum(int depth);
  Value required(int depth);
  Value list(int depth, int64_t close);
  Value quoted(int depth, std::string_view name);
  Value hash(int depth);
  Value vector(int depth);
  Value bytevector(int depth);
  Value character();
  Value string();
  char32_t escape();
  std::u32string bar_name();
  Value atom(std::u32string first);
  Value label(int depth);
  void resolve(Value datum);

  Store& store_;
  TextInput& input_;
  Places* places_;
  std::unordered_map<int64_t, size_t> labels_;  // number of a datum label: its place in store_.kept
  Position start_;
};

bool is_delimiter(int64_t c);
// The character of a name after #\ of more than one letter; -1: none.
int64_t named_character(std::u32string_view name);
const char* character_name(char32_t c);  // null: it has none

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_TEXT_READER_H_
