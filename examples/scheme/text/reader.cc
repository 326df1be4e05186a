#include "examples/scheme/text/reader.h"

#include <algorithm>
#include <cwctype>

#include "examples/scheme/text/numbers.h"

namespace scheme {

namespace {

struct CharacterName {
  const char* name;
  char32_t code;
};
constexpr CharacterName kNames[] = {
    {"space", ' '},     {"newline", '\n'}, {"tab", '\t'},    {"nul", 0},       {"null", 0},
    {"return", '\r'},   {"delete", 0x7f},  {"escape", 0x1b}, {"backspace", 8}, {"alarm", 7},
    {"linefeed", '\n'}, {"altmode", 0x1b}, {"rubout", 0x7f}};

bool is_space(int64_t c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == 0xa0;
}

int hex_value(int64_t c) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A' + 10);
  return -1;
}

bool is_scalar(int64_t code) { return code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000); }

}  // namespace

bool is_delimiter(int64_t c) {
  return c == TextInput::kEnd || is_space(c) || c == '(' || c == ')' || c == '"' || c == ';' ||
         c == '\'' || c == '[' || c == ']';
}

int64_t named_character(std::u32string_view name) {
  const std::string text = to_utf8(name);
  for (const CharacterName& known : kNames) {
    if (text == known.name) return known.code;
  }
  if (name.size() >= 2 && name.size() <= 7 && name[0] == 'x') {
    int64_t code = 0;
    for (const char32_t c : name.substr(1)) {
      if (hex_value(c) < 0) return -1;
      code = code * 16 + hex_value(c);
    }
    return is_scalar(code) ? code : -1;
  }
  return -1;
}

const char* character_name(char32_t c) {
  for (const CharacterName& known : kNames) {
    if (known.code == c) return known.name;
  }
  return nullptr;
}

void Reader::error(const Position& where, std::string_view message) {
  const Keep text(store_, store_.string(message));
  const Keep place(store_, store_.string(to_string(store_, where)));
  throw Raised{store_.tuple_of(Type::kCondition, {store_.symbol("read"), text, kNil, place})};
}

Value Reader::read() {
  const KeptScope scope(store_);
  labels_.clear();
  Keep read(store_);
  while (read.get() == Value()) {
    skip_space();
    start_ = input_.position();
    if (input_.peek() == TextInput::kEnd) return kEof;
    read = datum(0);
  }
  if (read.get() == kUnassigned) error(start_, "a dot where a datum is wanted");
  if (!labels_.empty()) resolve(read);
  return read;
}

void Reader::skip_space() {
  for (;;) {
    const int64_t c = input_.peek();
    if (c == ';') {
      while (input_.peek() != TextInput::kEnd && input_.peek() != '\n') input_.next();
    } else if (is_space(c)) {
      input_.next();
    } else {
      return;
    }
  }
}

void Reader::skip_block_comment() {
  const Position where = input_.position();
  for (int depth = 1; depth > 0;) {
    const int64_t c = input_.next();
    if (c == TextInput::kEnd) error(where, "end of input in a block comment");
    if (c == '|' && input_.peek() == '#') {
      input_.next();
      --depth;
    } else if (c == '#' && input_.peek() == '|') {
      input_.next();
      ++depth;
    }
  }
}

// No value: it was a comment. kUnassigned: a dot.
Value Reader::datum(int depth) {
  if (depth > kDeepest) error(input_.position(), "nested too deep");
  skip_space();
  const Position where = input_.position();
  const int64_t c = input_.peek();
  switch (c) {
    case TextInput::kEnd: error(start_, "end of input in a datum that begins here");
    case '(': input_.next(); return list(depth, ')');
    case '[': input_.next(); return list(depth, ']');
    case ')':
    case ']': input_.next(); error(where, "unexpected closing parenthesis");
    case '\'': input_.next(); return quoted(depth, "quote");
    case '`': input_.next(); return quoted(depth, "quasiquote");
    case ',':
      input_.next();
      if (input_.peek() != '@') return quoted(depth, "unquote");
      input_.next();
      return quoted(depth, "unquote-splicing");
    case '"': input_.next(); return string();
    case '#': return hash(depth);
    default: return atom({});
  }
}

// A datum, where one must come.
Value Reader::required(int depth) {
  for (;;) {
    skip_space();
    const Position where = input_.position();
    const Value read = datum(depth);
    if (read == kUnassigned) error(where, "a dot where a datum is wanted");
    if (read != Value()) return read;
  }
}

Value Reader::quoted(int depth, std::string_view name) {
  const Keep keep(store_, required(depth + 1));
  const Keep rest(store_, store_.cons(keep, kNil));
  return store_.cons(store_.symbol(name), rest);
}

Value Reader::list(int depth, int64_t close) {
  Position where = input_.position();
  --where.column;  // of the parenthesis
  ListBuilder items(store_);
  for (;;) {
    skip_space();
    const int64_t c = input_.peek();
    if (c == close) {
      input_.next();
      break;
    }
    if (c == TextInput::kEnd) error(where, "end of input in a list that begins here");
    const Position item_place = input_.position();
    if (c == '#') {  // may be a comment
      const Value item = hash(depth + 1);
      if (item != Value()) items.add(item);
      continue;
    }
    const Value item = datum(depth + 1);
    if (item != kUnassigned) {
      items.add(item);
      continue;
    }
    if (items.list() == kNil) error(item_place, "a dot where a datum is wanted");
    items.set_tail(required(depth + 1));
    skip_space();
    while (input_.peek() == '#') {
      if (hash(depth + 1) != Value()) error(item_place, "one datum must follow the dot");
      skip_space();
    }
    if (input_.next() != close) error(item_place, "one datum must follow the dot");
    break;
  }
  if (places_ != nullptr && items.list().is_pair()) (*places_)[items.list().as_pair()] = where;
  return items.list();
}

Value Reader::hash(int depth) {
  const Position where = input_.position();
  input_.next();
  const int64_t c = input_.peek();
  switch (c) {
    case '(': input_.next(); return vector(depth);
    case '\\': input_.next(); return character();
    case '|':
      input_.next();
      skip_block_comment();
      return depth > 0 ? Value()
                       : (skip_space(), input_.peek() == TextInput::kEnd ? kEof : datum(0));
    case ';': {
      input_.next();
      Value ignored = datum(depth + 1);
      while (ignored == Value()) ignored = datum(depth + 1);
      return depth > 0 ? Value()
                       : (skip_space(), input_.peek() == TextInput::kEnd ? kEof : datum(0));
    }
    case '!': {
      while (!is_delimiter(input_.peek())) input_.next();
      return depth > 0 ? Value()
                       : (skip_space(), input_.peek() == TextInput::kEnd ? kEof : datum(0));
    }
    default: break;
  }
  if (c >= '0' && c <= '9') return label(depth);
  std::u32string text = U"#";
  while (!is_delimiter(input_.peek())) text.push_back(static_cast<char32_t>(input_.next()));
  const std::string name = to_utf8(text);
  if (name == "#t" || name == "#true") return kTrue;
  if (name == "#f" || name == "#false") return kFalse;
  if (name == "#u8" && input_.peek() == '(') {
    input_.next();
    return bytevector(depth);
  }
  const Value number = parse_number(store_, name);
  if (number == Value()) error(where, "unknown syntax " + name);
  return number;
}

Value Reader::vector(int depth) {
  const Position where = input_.position();
  const Keep items(store_, list(depth, ')'));
  uint64_t count = 0;
  Value end = items;
  for (; end.is_pair(); end = cdr(end)) ++count;
  if (end != kNil) error(where, "a dot in a vector");
  const Value made = store_.tuple_of(Type::kVector, count, kFalse);
  Value rest = items;
  for (uint64_t i = 0; i < count; ++i, rest = cdr(rest)) tuple(made)->at(i) = car(rest);
  return made;
}

Value Reader::bytevector(int depth) {
  const Position where = input_.position();
  const Keep items(store_, list(depth, ')'));
  std::string bytes;
  for (Value rest = items; rest.is_pair(); rest = cdr(rest)) {
    const Value byte = car(rest);
    if (!byte.is_fixnum() || byte.as_fixnum() < 0 || byte.as_fixnum() > 255)
      error(where, "not a byte");
    bytes.push_back(static_cast<char>(byte.as_fixnum()));
  }
  const Value made = store_.bytevector(bytes.size(), 0);
  std::copy(bytes.begin(), bytes.end(), made.as<Bytevector>()->bytes.get());
  return made;
}

Value Reader::character() {
  const Position where = input_.position();
  const int64_t first = input_.next();
  if (first == TextInput::kEnd) error(where, "end of input after #\\");
  std::u32string name(1, static_cast<char32_t>(first));
  while (!is_delimiter(input_.peek())) name.push_back(static_cast<char32_t>(input_.next()));
  if (name.size() == 1) return Value::character(name[0]);
  const int64_t code = named_character(name);
  if (code < 0) error(where, "unknown character " + to_utf8(name));
  return Value::character(static_cast<char32_t>(code));
}

char32_t Reader::escape() {
  const Position where = input_.position();
  const int64_t c = input_.next();
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'a': return 7;
    case 'b': return 8;
    case '0': return 0;
    case 'x': {
      int64_t code = 0;
      for (int digit; (digit = hex_value(input_.peek())) >= 0 && code <= 0x10ffff; input_.next()) {
        code = code * 16 + digit;
      }
      if (input_.next() != ';' || !is_scalar(code)) error(where, "malformed \\x escape");
      return static_cast<char32_t>(code);
    }
    case '"':
    case '\\':
    case '|': return static_cast<char32_t>(c);
    default: error(where, "unknown escape in a string");
  }
}

Value Reader::string() {
  Position where = input_.position();
  --where.column;  // of the quotation mark
  std::u32string text;
  for (;;) {
    const int64_t c = input_.next();
    if (c == TextInput::kEnd) error(where, "end of input in a string that begins here");
    if (c == '"') return store_.string(text);
    if (c != '\\') {
      text.push_back(static_cast<char32_t>(c));
      continue;
    }
    if (!is_space(input_.peek())) {
      text.push_back(escape());
      continue;
    }
    while (input_.peek() == ' ' || input_.peek() == '\t') input_.next();
    if (input_.next() != '\n') error(where, "unknown escape in a string");
    while (input_.peek() == ' ' || input_.peek() == '\t') input_.next();
  }
}

std::u32string Reader::bar_name() {
  Position where = input_.position();
  --where.column;  // of the bar
  std::u32string text;
  for (;;) {
    const int64_t c = input_.next();
    if (c == TextInput::kEnd) error(where, "end of input in a symbol that begins here");
    if (c == '|') return text;
    text.push_back(c == '\\' ? escape() : static_cast<char32_t>(c));
  }
}

Value Reader::atom(std::u32string text) {
  bool barred = false;
  while (!is_delimiter(input_.peek())) {
    const int64_t c = input_.next();
    if (c == '|') {
      barred = true;
      text += bar_name();
    } else {
      text.push_back(static_cast<char32_t>(c));
    }
  }
  const std::string name = to_utf8(text);
  if (!barred) {
    if (name == ".") return kUnassigned;
    const Value number = parse_number(store_, name);
    if (number != Value()) return number;
  }
  return store_.symbol(name);
}

// #n= and #n#. A reference to a label is a box until all is read.
Value Reader::label(int depth) {
  const Position where = input_.position();
  int64_t number = 0;
  while (input_.peek() >= '0' && input_.peek() <= '9') {
    number = number * 10 + (input_.next() - '0');
    if (number > 1000000) error(where, "too large a datum label");
  }
  const int64_t c = input_.next();
  if (c == '=') {
    const Value box = store_.tuple_of(Type::kBox, {kUnassigned});
    labels_[number] = store_.kept.size();
    store_.kept.push_back(box);
    const Value read = required(depth + 1);
    if (read == box) error(where, "a datum label of itself");
    tuple(box)->at(0) = read;
    return read;
  }
  if (c != '#' || labels_.count(number) == 0) error(where, "unknown datum label");
  return store_.kept[labels_[number]];
}

// Puts data in the place of the boxes.
void Reader::resolve(Value root) {
  std::vector<Value> todo{root};
  std::unordered_map<uint64_t, bool> seen;
  const auto fix = [&](Slot& slot) {
    Value value = slot;
    if (value.is(Type::kBox)) slot = value = tuple(value)->at(0);
    todo.push_back(value);
  };
  while (!todo.empty()) {
    const Value value = todo.back();
    todo.pop_back();
    if (!value.is_pair() && !value.is(Type::kVector)) continue;
    if (!seen.emplace(value.bits(), true).second) continue;
    if (value.is_pair()) {
      fix(value.as_pair()->car);
      fix(value.as_pair()->cdr);
    } else {
      for (uint64_t i = 0; i < tuple(value)->length(); ++i) fix(tuple(value)->at(i));
    }
  }
}

}  // namespace scheme
