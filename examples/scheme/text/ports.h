// Ports: what of them is outside the heap, since it has destructors. A Port object names its state by a number.
#ifndef ACRE_EXAMPLES_SCHEME_TEXT_PORTS_H_
#define ACRE_EXAMPLES_SCHEME_TEXT_PORTS_H_

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "examples/scheme/value/error.h"

namespace scheme {

// Characters to be read, with their place. More may come when they are used up.
class TextInput {
 public:
  explicit TextInput(std::u32string text, uint32_t file = 0)
      : text_(std::move(text)), file_(file) {}
  // `more` gives the next part, or an empty one at the end.
  TextInput(std::function<std::u32string()> more, uint32_t file)
      : file_(file), more_(std::move(more)) {}

  static constexpr int64_t kEnd = -1;
  int64_t peek();
  int64_t next();
  Position position() const { return {file_, line_, column_}; }
  // Whether peek would answer without waiting.
  bool ready() const { return at_ < text_.size() || !more_; }

 private:
  std::u32string text_;
  size_t at_ = 0;
  uint32_t file_;
  uint32_t line_ = 1;
  uint32_t column_ = 1;
  std::function<std::u32string()> more_;
};

class Ports;

struct PortState {
  Ports* owner = nullptr;
  uint64_t number = 0;
  std::unique_ptr<TextInput> input;  // null: it is no textual input port
  std::string bytes;                 // binary input, or what a string or bytevector port has taken
  size_t at = 0;
  std::FILE* file = nullptr;  // where output goes; null: to `bytes`
  bool is_input = false;
  bool is_binary = false;
  bool is_open = true;
  bool closes_file = false;

  PortState() = default;
  PortState(const PortState&) = delete;
  PortState& operator=(const PortState&) = delete;
  ~PortState() { close(); }
  void write(std::string_view text);
  void close();
};

class Ports {
 public:
  explicit Ports(Store& store);

  // A new port. When that is garbage its file is closed and its state goes.
  Value open(std::unique_ptr<PortState> state);
  PortState& state(Value port) { return *states_.at(port.as<Port>()->number); }
  size_t count() const { return states_.size(); }
  // fopen; if there are too many files, those of garbage are closed, and it is tried again.
  std::FILE* open_file(const std::string& path, const char* mode);
  // The standard ones.
  Value input() const { return input_; }
  Value output() const { return output_; }
  Value error() const { return error_; }

 private:
  Store& store_;
  static void forget(void* state);

  std::unordered_map<uint64_t, std::unique_ptr<PortState>> states_;
  uint64_t next_number_ = 0;
  Value input_, output_, error_;
};

// The whole of a file, which is closed. False: it cannot be read, or there is none.
bool read_file(std::FILE* file, std::string* content);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_TEXT_PORTS_H_
