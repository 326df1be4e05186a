// Primitives on ports. The current ones are parameters of the prelude: here a port is always an argument.
#include <unistd.h>

#include "examples/scheme/library/library.h"
#include "examples/scheme/text/printer.h"

namespace scheme {

namespace {

PortState& state_of(Machine& machine, Value port, const char* who) {
  PortState& state = machine.ports().state(check(machine, port, Type::kPort, who));
  if (!state.is_open) fail(machine.store(), std::string(who) + ": the port is closed");
  return state;
}

PortState& output_of(Machine& machine, Value port, const char* who) {
  PortState& state = state_of(machine, port, who);
  if (state.is_input) fail(machine.store(), std::string(who) + ": not an output port");
  return state;
}

TextInput& input_of(Machine& machine, Value port, const char* who) {
  PortState& state = state_of(machine, port, who);
  if (state.input == nullptr)
    fail(machine.store(), std::string(who) + ": not a textual input port");
  return *state.input;
}

std::string path_of(Machine& machine, Value value) {
  return to_utf8(text_of(check(machine, value, Type::kString, "file name")));
}

[[noreturn]] void file_error(Machine& machine, Value path) {
  fail_as(machine.store(), "file", "cannot open file:", {path});
}

Value open_input(Machine& machine, Value* arguments, bool is_binary) {
  auto state = std::make_unique<PortState>();
  const std::string path = path_of(machine, arguments[0]);
  state->is_input = true;
  state->is_binary = is_binary;
  if (!read_file(machine.ports().open_file(path, "rb"), &state->bytes))
    file_error(machine, arguments[0]);
  if (!is_binary) {
    state->input =
        std::make_unique<TextInput>(from_utf8(state->bytes), machine.store().file_number(path));
    state->bytes.clear();
  }
  return machine.ports().open(std::move(state));
}

Value open_output(Machine& machine, Value* arguments, bool is_binary) {
  auto state = std::make_unique<PortState>();
  state->is_binary = is_binary;
  state->file = machine.ports().open_file(path_of(machine, arguments[0]), "wb");
  state->closes_file = true;
  if (state->file == nullptr) file_error(machine, arguments[0]);
  return machine.ports().open(std::move(state));
}

Value open_input_text(Machine& machine, Value* arguments, int) {
  check(machine, arguments[0], Type::kString, "open-input-string");
  auto state = std::make_unique<PortState>();
  state->is_input = true;
  state->input = std::make_unique<TextInput>(std::u32string(text_of(arguments[0])),
                                             machine.store().file_number("string"));
  return machine.ports().open(std::move(state));
}

Value open_input_bytes(Machine& machine, Value* arguments, int) {
  const auto* bytes =
      check(machine, arguments[0], Type::kBytevector, "open-input-bytevector").as<Bytevector>();
  auto state = std::make_unique<PortState>();
  state->is_input = state->is_binary = true;
  state->bytes.assign(reinterpret_cast<const char*>(bytes->bytes.get()), bytes->length);
  return machine.ports().open(std::move(state));
}

Value open_memory(Machine& machine, bool is_binary) {
  auto state = std::make_unique<PortState>();
  state->is_binary = is_binary;
  return machine.ports().open(std::move(state));
}

Value text_so_far(Machine& machine, Value* arguments, int) {
  return machine.store().string(output_of(machine, arguments[0], "get-output-string").bytes);
}

Value bytes_so_far(Machine& machine, Value* arguments, int) {
  const std::string bytes = output_of(machine, arguments[0], "get-output-bytevector").bytes;
  const Value made = machine.store().bytevector(bytes.size(), 0);
  std::copy(bytes.begin(), bytes.end(), made.as<Bytevector>()->bytes.get());
  return made;
}

template <Style kStyle>
Value print_to(Machine& machine, Value* arguments, int) {
  output_of(machine, arguments[1], "write").write(print(arguments[0], kStyle));
  return kUnspecified;
}

Value write_text(Machine& machine, Value* arguments, int count) {
  check(machine, arguments[0], Type::kString, "write-string");
  const Range range =
      range_of(machine, arguments, count, 2, text_of(arguments[0]).size(), "write-string");
  output_of(machine, arguments[1], "write-string")
      .write(to_utf8(text_of(arguments[0]).substr(range.start, range.end - range.start)));
  return kUnspecified;
}

Value write_character(Machine& machine, Value* arguments, int) {
  const char32_t c = character_of(machine, arguments[0], "write-char");
  output_of(machine, arguments[1], "write-char").write(to_utf8(std::u32string_view(&c, 1)));
  return kUnspecified;
}

Value write_byte(Machine& machine, Value* arguments, int) {
  const auto byte = static_cast<char>(index_of(machine, arguments[0], 255, "write-u8"));
  output_of(machine, arguments[1], "write-u8").write(std::string_view(&byte, 1));
  return kUnspecified;
}

Value write_bytes(Machine& machine, Value* arguments, int count) {
  const auto* bytes =
      check(machine, arguments[0], Type::kBytevector, "write-bytevector").as<Bytevector>();
  const Range range = range_of(machine, arguments, count, 2, bytes->length, "write-bytevector");
  output_of(machine, arguments[1], "write-bytevector")
      .write({reinterpret_cast<const char*>(bytes->bytes.get()) + range.start,
              range.end - range.start});
  return kUnspecified;
}

Value flush(Machine& machine, Value* arguments, int) {
  PortState& state = output_of(machine, arguments[0], "flush-output-port");
  if (state.file != nullptr) std::fflush(state.file);
  return kUnspecified;
}

Value character_or_end(int64_t c) {
  return c == TextInput::kEnd ? kEof : Value::character(static_cast<char32_t>(c));
}

Value read_line(Machine& machine, Value* arguments, int) {
  TextInput& input = input_of(machine, arguments[0], "read-line");
  if (input.peek() == TextInput::kEnd) return kEof;
  std::u32string line;
  for (int64_t c; (c = input.next()) != TextInput::kEnd && c != '\n';)
    line.push_back(static_cast<char32_t>(c));
  return machine.store().string(line);
}

Value read_text(Machine& machine, Value* arguments, int) {
  const uint64_t most = index_of(machine, arguments[0], kFixnumMax, "read-string");
  TextInput& input = input_of(machine, arguments[1], "read-string");
  if (most > 0 && input.peek() == TextInput::kEnd) return kEof;
  std::u32string text;
  while (text.size() < most && input.peek() != TextInput::kEnd)
    text.push_back(static_cast<char32_t>(input.next()));
  return machine.store().string(text);
}

Value read_datum(Machine& machine, Value* arguments, int) {
  return Reader(machine.store(), input_of(machine, arguments[0], "read")).read();
}

// For load: with places, for the compilation that follows.
Value read_source(Machine& machine, Value* arguments, int) {
  machine.places().clear();
  return Reader(machine.store(), input_of(machine, arguments[0], "read"), &machine.places()).read();
}

PortState& binary_of(Machine& machine, Value port, const char* who) {
  PortState& state = state_of(machine, port, who);
  if (!state.is_input || !state.is_binary)
    fail(machine.store(), std::string(who) + ": not a binary input port");
  return state;
}

Value read_byte(Machine& machine, Value* arguments, bool takes) {
  PortState& state = binary_of(machine, arguments[0], "read-u8");
  if (state.at == state.bytes.size()) return kEof;
  const auto byte = static_cast<uint8_t>(state.bytes[state.at]);
  state.at += takes ? 1 : 0;
  return Value::fixnum(byte);
}

Value read_bytes(Machine& machine, Value* arguments, int) {
  const uint64_t most = index_of(machine, arguments[0], kFixnumMax, "read-bytevector");
  PortState& state = binary_of(machine, arguments[1], "read-bytevector");
  const std::string part = state.bytes.substr(state.at, most);
  if (part.empty() && most > 0) return kEof;
  const Value made = machine.store().bytevector(part.size(), 0);
  std::copy(part.begin(), part.end(), made.as<Bytevector>()->bytes.get());
  state.at += part.size();
  return made;
}

template <class Test>
Value is_port(Machine& machine, Value value, Test test) {
  return Value::boolean(value.is(Type::kPort) && test(machine.ports().state(value)));
}

Value close(Machine& machine, Value* arguments, int) {
  machine.ports().state(check(machine, arguments[0], Type::kPort, "close-port")).close();
  return kUnspecified;
}

constexpr PrimitiveRow kOpening[] = {
    {"%stdin", 0, 0, [](Machine& m, Value*, int) { return m.ports().input(); }},
    {"%stdout", 0, 0, [](Machine& m, Value*, int) { return m.ports().output(); }},
    {"%stderr", 0, 0, [](Machine& m, Value*, int) { return m.ports().error(); }},
    {"open-input-file", 1, 1, [](Machine& m, Value* a, int) { return open_input(m, a, false); }},
    {"open-binary-input-file", 1, 1,
     [](Machine& m, Value* a, int) { return open_input(m, a, true); }},
    {"open-output-file", 1, 1, [](Machine& m, Value* a, int) { return open_output(m, a, false); }},
    {"open-binary-output-file", 1, 1,
     [](Machine& m, Value* a, int) { return open_output(m, a, true); }},
    {"open-input-string", 1, 1, open_input_text},
    {"open-input-bytevector", 1, 1, open_input_bytes},
    {"open-output-string", 0, 0, [](Machine& m, Value*, int) { return open_memory(m, false); }},
    {"open-output-bytevector", 0, 0, [](Machine& m, Value*, int) { return open_memory(m, true); }},
    {"get-output-string", 1, 1, text_so_far},
    {"get-output-bytevector", 1, 1, bytes_so_far},
    {"close-port", 1, 1, close},
    {"close-input-port", 1, 1, close},
    {"close-output-port", 1, 1, close},
    {"port?", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kPort)); }},
    {"input-port?", 1, 1,
     [](Machine& m, Value* a, int) {
       return is_port(m, a[0], [](PortState& s) { return s.is_input; });
     }},
    {"output-port?", 1, 1,
     [](Machine& m, Value* a, int) {
       return is_port(m, a[0], [](PortState& s) { return !s.is_input; });
     }},
    {"textual-port?", 1, 1,
     [](Machine& m, Value* a, int) {
       return is_port(m, a[0], [](PortState& s) { return !s.is_binary; });
     }},
    {"binary-port?", 1, 1,
     [](Machine& m, Value* a, int) {
       return is_port(m, a[0], [](PortState& s) { return s.is_binary; });
     }},
    {"input-port-open?", 1, 1,
     [](Machine& m, Value* a, int) {
       return is_port(m, a[0], [](PortState& s) { return s.is_open && s.is_input; });
     }},
    {"output-port-open?", 1, 1,
     [](Machine& m, Value* a, int) {
       return is_port(m, a[0], [](PortState& s) { return s.is_open && !s.is_input; });
     }},
    {"file-exists?", 1, 1,
     [](Machine& m, Value* a, int) {
       return Value::boolean(access(path_of(m, a[0]).c_str(), F_OK) == 0);
     }},
    {"delete-file", 1, 1,
     [](Machine& m, Value* a, int) {
       if (unlink(path_of(m, a[0]).c_str()) != 0)
         fail_as(m.store(), "file", "cannot delete file:", {a[0]});
       return kUnspecified;
     }},
};

constexpr PrimitiveRow kReadingAndWriting[] = {
    {"%write", 2, 2, print_to<Style::kWrite>, kOnMainStack},
    {"%write-shared", 2, 2, print_to<Style::kWriteShared>, kOnMainStack},
    {"%write-simple", 2, 2, print_to<Style::kWriteSimple>, kOnMainStack},
    {"%display", 2, 2, print_to<Style::kDisplay>, kOnMainStack},
    {"%write-string", 2, 4, write_text},
    {"%write-char", 2, 2, write_character},
    {"%write-u8", 2, 2, write_byte},
    {"%write-bytevector", 2, 4, write_bytes},
    {"%flush", 1, 1, flush},
    {"%read-char", 1, 1,
     [](Machine& m, Value* a, int) {
       return character_or_end(input_of(m, a[0], "read-char").next());
     }},
    {"%peek-char", 1, 1,
     [](Machine& m, Value* a, int) {
       return character_or_end(input_of(m, a[0], "peek-char").peek());
     }},
    {"%char-ready?", 1, 1,
     [](Machine& m, Value* a, int) {
       return Value::boolean(input_of(m, a[0], "char-ready?").ready());
     }},
    {"%read-line", 1, 1, read_line},
    {"%read-string", 2, 2, read_text},
    {"%read", 1, 1, read_datum, kOnMainStack},
    {"%read-source", 1, 1, read_source, kOnMainStack},
    {"%read-u8", 1, 1, [](Machine& m, Value* a, int) { return read_byte(m, a, true); }},
    {"%peek-u8", 1, 1, [](Machine& m, Value* a, int) { return read_byte(m, a, false); }},
    {"%read-bytevector", 2, 2, read_bytes},
    {"eof-object", 0, 0, [](Machine&, Value*, int) { return kEof; }},
    {"eof-object?", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(a[0] == kEof); }},
};

}  // namespace

void install_ports(Machine& machine) {
  install(machine, kOpening);
  install(machine, kReadingAndWriting);
}

}  // namespace scheme
