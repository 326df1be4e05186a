// Primitives on characters, strings and symbols.
#include <algorithm>
#include <cwctype>

#include "examples/scheme/library/library.h"

namespace scheme {

namespace {

String* string_of(Machine& machine, Value value, const char* who) {
  return check(machine, value, Type::kString, who).as<String>();
}

Value substring(Machine& machine, Value* arguments, int count, const char* who) {
  const String* string = string_of(machine, arguments[0], who);
  const Range range = range_of(machine, arguments, count, 1, string->length, who);
  return machine.store().string(text_of(arguments[0]).substr(range.start, range.end - range.start));
}

Value make_string(Machine& machine, Value* arguments, int count) {
  const uint64_t length = index_of(machine, arguments[0], kFixnumMax, "make-string");
  return machine.store().string_of(
      length, count > 1 ? character_of(machine, arguments[1], "make-string") : U' ');
}

Value string_of_characters(Machine& machine, Value* arguments, int count) {
  std::u32string text;
  for (int i = 0; i < count; ++i) text.push_back(character_of(machine, arguments[i], "string"));
  return machine.store().string(text);
}

Value append(Machine& machine, Value* arguments, int count) {
  uint64_t length = 0;
  for (int i = 0; i < count; ++i)
    length += string_of(machine, arguments[i], "string-append")->length;
  const Value made = machine.store().string_of(length, U' ');
  char32_t* to = made.as<String>()->text.get();
  for (int i = 0; i < count; ++i)
    to = std::copy_n(text_of(arguments[i]).data(), text_of(arguments[i]).size(), to);
  return made;
}

Value reference(Machine& machine, Value* arguments, int) {
  const String* string = string_of(machine, arguments[0], "string-ref");
  const uint64_t index = index_of(machine, arguments[1], string->length, "string-ref");
  if (index == string->length)
    fail(machine.store(), "string-ref: index out of range:", {arguments[1]});
  return Value::character(string->text.get()[index]);
}

Value set(Machine& machine, Value* arguments, int) {
  const String* string = string_of(machine, arguments[0], "string-set!");
  const uint64_t index = index_of(machine, arguments[1], string->length, "string-set!");
  if (index == string->length)
    fail(machine.store(), "string-set!: index out of range:", {arguments[1]});
  string->text.get()[index] = character_of(machine, arguments[2], "string-set!");
  return kUnspecified;
}

Value to_list(Machine& machine, Value* arguments, int count) {
  const String* string = string_of(machine, arguments[0], "string->list");
  const Range range = range_of(machine, arguments, count, 1, string->length, "string->list");
  ListBuilder list(machine.store());
  for (uint64_t i = range.start; i < range.end; ++i)
    list.add(Value::character(string->text.get()[i]));
  return list.list();
}

Value from_list(Machine& machine, Value* arguments, int) {
  uint64_t length = 0;
  for (Value rest = arguments[0]; rest.is_pair(); rest = cdr(rest), ++length) {
    (void)character_of(machine, car(rest), "list->string");
  }
  const Value made = machine.store().string_of(length, U' ');
  char32_t* to = made.as<String>()->text.get();
  for (Value rest = arguments[0]; rest.is_pair(); rest = cdr(rest))
    *to++ = car(rest).as_character();
  return made;
}

// (string-copy! to at from start end)
Value copy_into(Machine& machine, Value* arguments, int count) {
  const String* to = string_of(machine, arguments[0], "string-copy!");
  const uint64_t at = index_of(machine, arguments[1], to->length, "string-copy!");
  const String* from = string_of(machine, arguments[2], "string-copy!");
  const Range range = range_of(machine, arguments, count, 3, from->length, "string-copy!");
  if (range.end - range.start > to->length - at) fail(machine.store(), "string-copy!: no room");
  std::char_traits<char32_t>::move(to->text.get() + at, from->text.get() + range.start,
                                   range.end - range.start);
  return kUnspecified;
}

Value fill(Machine& machine, Value* arguments, int count) {
  const String* string = string_of(machine, arguments[0], "string-fill!");
  const char32_t with = character_of(machine, arguments[1], "string-fill!");
  const Range range = range_of(machine, arguments, count, 2, string->length, "string-fill!");
  std::fill(string->text.get() + range.start, string->text.get() + range.end, with);
  return kUnspecified;
}

char32_t folded(char32_t c) { return static_cast<char32_t>(std::towlower(static_cast<wint_t>(c))); }

std::u32string folded(std::u32string_view text) {
  std::u32string out(text);
  for (char32_t& c : out) c = folded(c);
  return out;
}

template <bool kFolds, class Holds>
Value compare_strings(Machine& machine, Value* arguments, int count, Holds holds) {
  bool all = true;
  for (int i = 0; i < count; ++i) (void)string_of(machine, arguments[i], "string comparison");
  for (int i = 0; i + 1 < count; ++i) {
    const int order = kFolds
                          ? folded(text_of(arguments[i])).compare(folded(text_of(arguments[i + 1])))
                          : text_of(arguments[i]).compare(text_of(arguments[i + 1]));
    all &= holds(order);
  }
  return Value::boolean(all);
}

template <bool kFolds, class Holds>
Value compare_characters(Machine& machine, Value* arguments, int count, Holds holds) {
  bool all = true;
  for (int i = 0; i + 1 < count; ++i) {
    char32_t a = character_of(machine, arguments[i], "character comparison");
    char32_t b = character_of(machine, arguments[i + 1], "character comparison");
    if (kFolds) a = folded(a), b = folded(b);
    all &= holds(a < b ? -1 : a > b ? 1 : 0);
  }
  return Value::boolean(all);
}

template <wint_t (*kFn)(wint_t)>
Value map_string(Machine& machine, Value* arguments, int) {
  (void)string_of(machine, arguments[0], "string case");
  std::u32string text(text_of(arguments[0]));
  for (char32_t& c : text) c = static_cast<char32_t>(kFn(static_cast<wint_t>(c)));
  return machine.store().string(text);
}

template <wint_t (*kFn)(wint_t)>
Value map_character(Machine& machine, Value* arguments, int) {
  return Value::character(static_cast<char32_t>(
      kFn(static_cast<wint_t>(character_of(machine, arguments[0], "character case")))));
}

template <int (*kFn)(wint_t)>
Value classify(Machine& machine, Value* arguments, int) {
  return Value::boolean(
      kFn(static_cast<wint_t>(character_of(machine, arguments[0], "character class"))) != 0);
}

Value digit_value(Machine& machine, Value* arguments, int) {
  const char32_t c = character_of(machine, arguments[0], "digit-value");
  return c >= '0' && c <= '9' ? Value::fixnum(static_cast<int64_t>(c) - '0') : kFalse;
}

// Where the first string occurs in the second, or #f.
Value search(Machine& machine, Value* arguments, int) {
  (void)string_of(machine, arguments[0], "string-contains");
  (void)string_of(machine, arguments[1], "string-contains");
  const size_t at = text_of(arguments[0]).find(text_of(arguments[1]));
  return at == std::u32string_view::npos ? kFalse : Value::fixnum(static_cast<int64_t>(at));
}

Value to_symbol(Machine& machine, Value* arguments, int) {
  (void)string_of(machine, arguments[0], "string->symbol");
  return machine.store().symbol(to_utf8(text_of(arguments[0])));
}

Value symbol_text(Machine& machine, Value* arguments, int) {
  return machine.store().string(
      name_of(check(machine, arguments[0], Type::kSymbol, "symbol->string")));
}

Value to_character(Machine& machine, Value* arguments, int) {
  const uint64_t code = index_of(machine, arguments[0], 0x10ffff, "integer->char");
  if (code >= 0xd800 && code < 0xe000)
    fail(machine.store(), "integer->char: no character:", {arguments[0]});
  return Value::character(static_cast<char32_t>(code));
}

constexpr PrimitiveRow kStrings[] = {
    {"string?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kString)); }},
    {"string-length", 1, 1,
     [](Machine& m, Value* a, int) {
       return Value::fixnum(static_cast<int64_t>(string_of(m, a[0], "string-length")->length));
     }},
    {"string-ref", 2, 2, reference},
    {"string-set!", 3, 3, set},
    {"make-string", 1, 2, make_string},
    {"string", 0, -1, string_of_characters},
    {"string-append", 0, -1, append},
    {"substring", 2, 3,
     [](Machine& m, Value* a, int n) { return substring(m, a, n, "substring"); }},
    {"string-copy", 1, 3,
     [](Machine& m, Value* a, int n) { return substring(m, a, n, "string-copy"); }},
    {"string-copy!", 3, 5, copy_into},
    {"string-fill!", 2, 4, fill},
    {"string->list", 1, 3, to_list},
    {"list->string", 1, 1, from_list},
    {"string-upcase", 1, 1, map_string<std::towupper>},
    {"string-downcase", 1, 1, map_string<std::towlower>},
    {"string-foldcase", 1, 1, map_string<std::towlower>},
    {"string-contains", 2, 2, search},
    {"string->symbol", 1, 1, to_symbol},
    {"symbol->string", 1, 1, symbol_text},
    {"symbol?", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(is_symbol(a[0])); }},
#define ACRE_ORDER(name, condition)                                                      \
  {"string" name "?", 1, -1,                                                             \
   [](Machine& m, Value* a, int n) {                                                     \
     return compare_strings<false>(m, a, n, [](int order) { return condition; });        \
   }},                                                                                   \
      {"string-ci" name "?", 1, -1,                                                      \
       [](Machine& m, Value* a, int n) {                                                 \
         return compare_strings<true>(m, a, n, [](int order) { return condition; });     \
       }},                                                                               \
      {"char" name "?", 1, -1,                                                           \
       [](Machine& m, Value* a, int n) {                                                 \
         return compare_characters<false>(m, a, n, [](int order) { return condition; }); \
       }},                                                                               \
      {"char-ci" name "?", 1, -1, [](Machine& m, Value* a, int n) {                      \
         return compare_characters<true>(m, a, n, [](int order) { return condition; });  \
       }},
    ACRE_ORDER("=", order == 0) ACRE_ORDER("<", order < 0) ACRE_ORDER(">", order > 0)
        ACRE_ORDER("<=", order <= 0) ACRE_ORDER(">=", order >= 0)
#undef ACRE_ORDER
};

constexpr PrimitiveRow kCharacters[] = {
    {"char?", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(a[0].is_character()); }},
    {"char->integer", 1, 1,
     [](Machine& m, Value* a, int) {
       return Value::fixnum(character_of(m, a[0], "char->integer"));
     }},
    {"integer->char", 1, 1, to_character},
    {"char-upcase", 1, 1, map_character<std::towupper>},
    {"char-downcase", 1, 1, map_character<std::towlower>},
    {"char-foldcase", 1, 1, map_character<std::towlower>},
    {"char-alphabetic?", 1, 1, classify<std::iswalpha>},
    {"char-numeric?", 1, 1, classify<std::iswdigit>},
    {"char-whitespace?", 1, 1, classify<std::iswspace>},
    {"char-upper-case?", 1, 1, classify<std::iswupper>},
    {"char-lower-case?", 1, 1, classify<std::iswlower>},
    {"digit-value", 1, 1, digit_value},
};

}  // namespace

void install_text(Machine& machine) {
  install(machine, kStrings);
  install(machine, kCharacters);
}

}  // namespace scheme
