#include "examples/scheme/value/store.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace scheme {

namespace {

acre::Options precise() {
  acre::Options options;
  options.conservative_stacks = 0;  // acre: root: only what we name is a root
  return options;
}

void visit(acre::Visitor& visitor, Value value) {
  if (!value.is_reference()) return;
  void* reference = reinterpret_cast<void*>(value.bits());
  visitor(reference);
}

template <class T>
T* with_header(T* object, Type type, uint64_t length = 0) {
  object->header = Value::header(type, length);
  return object;
}

}  // namespace

Store::Store() : heap_(precise()), thread_(heap_) {
  acre::check(acre_root_scanner_add(heap_, &Store::scan, this));  // acre: root: of our own
  const Keep message(*this, string(std::string_view("out of memory")));
  const Value sort = symbol("out-of-memory");
  out_of_memory_ = tuple_of(Type::kCondition, {sort, message, kNil, kFalse});
  take_reserve();
}

Value Store::out_of_memory() {
  acre_free(thread_, std::exchange(reserve_, nullptr));  // acre: memory: its pages are free at once
  return out_of_memory_;
}

void Store::take_reserve() {
  if (reserve_ != nullptr) return;
  void* reserve = acre_alloc_uninit(thread_, kReserveBytes,
                                    ACRE_KIND_LEAF);  // acre: memory: NULL if there is none
  reserve_ = static_cast<uint8_t*>(reserve);
}

Store::~Store() {
  (void)acre_root_scanner_remove(heap_, &Store::scan,
                                 this);  // acre: root: and without them at the end
}

// acre: root: all that are not in a scope; the world is stopped, nothing may be allocated
void Store::scan(acre_visitor* raw, void* arg) {
  auto& store = *static_cast<Store*>(arg);
  acre::Visitor visitor(raw);
  for (const auto& entry : store.symbols_) visit(visitor, Value::of(entry.second));
  for (const Value value : store.kept) visit(visitor, value);
  visit(visitor, store.out_of_memory_);
  visitor(store.reserve_);
  if (store.scan_more) store.scan_more(visitor);
}

Value Store::cons(Value first, Value rest) {
  const Keep keep_first(*this, first);
  const Keep keep_rest(*this, rest);
  return Value::of(thread_.make<Pair>(first, rest));
}

Value Store::flonum(double number) {
  auto* object = with_header(thread_.make<Flonum>(), Type::kFlonum);
  object->number = number;
  return Value::of(object);
}

Value Store::string_of(uint64_t length, char32_t fill) {
  if (length > (uint64_t{1} << 40)) throw acre::OutOfMemory();
  const Keep keep(*this, Value::of(with_header(thread_.make<String>(), Type::kString)));
  auto* object = keep.get().as<String>();
  if (length == 0) return keep;
  char32_t* text = thread_.make_uninit_array<char32_t>(length);
  std::fill_n(text, length, fill);
  object->text = text;
  object->length = length;
  return keep;
}

Value Store::string(std::u32string_view text) {
  // `text` may lie in a string that only the caller's arguments keep: those are roots.
  const Value made = string_of(text.size(), U' ');
  if (!text.empty()) std::memcpy(made.as<String>()->text.get(), text.data(), text.size() * 4);
  return made;
}

Value Store::string(std::string_view utf8) { return string(from_utf8(utf8)); }

Value Store::bytevector(uint64_t length, uint8_t fill) {
  const Keep keep(*this, Value::of(with_header(thread_.make<Bytevector>(), Type::kBytevector)));
  auto* object = keep.get().as<Bytevector>();
  if (length == 0) return keep;
  uint8_t* bytes = thread_.make_uninit_array<uint8_t>(length);
  std::fill_n(bytes, length, fill);
  object->bytes = bytes;
  object->length = length;
  return keep;
}

Value Store::tuple_of(Type type, uint64_t length, Value fill) {
  if (length > (uint64_t{1} << 40)) throw acre::OutOfMemory();
  const Keep keep(*this, fill);
  auto* slots = thread_.make_array<Slot>(1 + length);  // acre: kind: slots, whatever they mean
  new (slots) Value(Value::header(type, length));
  for (uint64_t i = 0; i < length; ++i) slots[1 + i] = fill;
  return Value::of(static_cast<const void*>(slots));
}

Value Store::tuple_of(Type type, std::initializer_list<Value> items) {
  const KeptScope scope(*this);
  const size_t before = kept.size();
  kept.insert(kept.end(), items);
  const Value made = tuple_of(type, items.size(), kFalse);
  for (size_t i = 0; i < items.size(); ++i) tuple(made)->at(i) = kept[before + i];
  return made;
}

Value Store::primitive(const char* name, PrimitiveFn function, int least, int most, int special) {
  auto* object = with_header(thread_.make<Primitive>(), Type::kPrimitive);
  object->name = name;
  object->function = function;
  object->least = static_cast<int16_t>(least);
  object->most = static_cast<int16_t>(most);
  object->special = special;
  return Value::of(object);
}

Value Store::condition(std::string_view sort, std::string_view message, Value irritants) {
  const Keep keep_irritants(*this, irritants);
  const Keep text(*this, string(message));
  return tuple_of(Type::kCondition, {symbol(sort), text, irritants, kFalse});
}

Value Store::symbol(std::string_view name) {
  const auto [entry, is_new] = symbols_.try_emplace(std::string(name), nullptr);
  if (!is_new) return Value::of(entry->second);
  try {
    auto* object = with_header(thread_.make<Symbol>(), Type::kSymbol);
    object->syntax = kFalse;
    object->name = &entry->first;
    entry->second = object;
    return Value::of(object);
  } catch (...) {
    symbols_.erase(entry);
    throw;
  }
}

Value Store::alias(Value symbol, uint64_t scope) {
  const Keep keep(*this, symbol);
  auto* object = with_header(thread_.make<Symbol>(), Type::kSymbol);
  object->syntax = kFalse;
  object->alias_of = symbol;
  object->scope = scope;
  object->name = symbol.as<Symbol>()->name;
  return Value::of(object);
}

uint32_t Store::file_number(const std::string& name) {
  const auto found = std::find(files_.begin(), files_.end(), name);
  if (found != files_.end()) return static_cast<uint32_t>(found - files_.begin());
  files_.push_back(name);
  return static_cast<uint32_t>(files_.size() - 1);
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto add = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  for (const char32_t code : text) {
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xc0 | code >> 6);
      add(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      add(0xe0 | code >> 12);
      add(0x80 | (code >> 6 & 0x3f));
      add(0x80 | (code & 0x3f));
    } else {
      add(0xf0 | (code >> 18 & 7));
      add(0x80 | (code >> 12 & 0x3f));
      add(0x80 | (code >> 6 & 0x3f));
      add(0x80 | (code & 0x3f));
    }
  }
  return out;
}

std::u32string from_utf8(std::string_view bytes) {
  std::u32string out;
  out.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    const size_t more = lead < 0x80       ? 0
                        : lead >> 5 == 6  ? 1
                        : lead >> 4 == 14 ? 2
                        : lead >> 3 == 30 ? 3
                                          : 4;
    static constexpr char32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    char32_t code = more == 0 ? lead : lead & (0x3fu >> more);
    size_t taken = 1;
    while (taken <= more && more < 4 && i + taken < bytes.size() &&
           (bytes[i + taken] & 0xc0) == 0x80) {
      code = code << 6 | (static_cast<uint8_t>(bytes[i + taken]) & 0x3f);
      ++taken;
    }
    const bool good = more < 4 && taken == more + 1 && code >= kLeast[more] && code <= 0x10ffff &&
                      !(code >= 0xd800 && code < 0xe000);
    out.push_back(good ? code : U'\ufffd');
    i += good ? taken : 1;
  }
  return out;
}

}  // namespace scheme
