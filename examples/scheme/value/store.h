// Everything that allocates: Scheme's values in Acre's heap, precise (conservative_stacks = 0).
//
// The rule that precise mode asks for: an allocation may collect, so what is needed after it must be reachable
// from a root. Roots are: the arguments of a primitive and all else on the machine's stack, symbols, a Keep,
// and what is in `kept`. Functions here keep their own arguments alive until they return. Objects do not move, so
// a kept value may be used through any copy.
#ifndef ACRE_EXAMPLES_SCHEME_VALUE_STORE_H_
#define ACRE_EXAMPLES_SCHEME_VALUE_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "examples/scheme/value/objects.h"

namespace scheme {

class Store {
 public:
  Store();
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  acre::Heap& heap() { return heap_; }
  acre::Thread& thread() { return thread_; }

  Value cons(Value first, Value rest);
  Value flonum(double number);
  Value string(std::u32string_view text);
  Value string(std::string_view utf8);
  Value string_of(uint64_t length, char32_t fill);
  Value bytevector(uint64_t length, uint8_t fill);
  // All slots are `fill`.
  Value tuple_of(Type type, uint64_t length, Value fill);
  Value tuple_of(Type type, std::initializer_list<Value> items);
  Value primitive(const char* name, PrimitiveFn function, int least, int most, int special);
  Value condition(std::string_view sort, std::string_view message, Value irritants);

  // The symbol of this name: the same object for the same name.
  Value symbol(std::string_view name);
  // A new one that no name leads to.
  Value alias(Value symbol, uint64_t scope);

  uint32_t file_number(const std::string& name);
  const std::string& file_name(uint32_t number) const { return files_[number]; }

  // More roots, for who cannot say how many it needs: shrink it back when done.
  std::vector<Value> kept;
  // What else is scanned as a root.
  std::function<void(acre::Visitor&)> scan_more;

  // The condition of that name. Who handles it needs some memory, for which a reserve is given up; take_reserve puts
  // one aside again as soon as there is room.
  Value out_of_memory();
  bool is_out_of_memory(Value condition) const { return condition == out_of_memory_; }
  void take_reserve();

 private:
  static void scan(acre_visitor* visitor, void* store);

  acre::Heap heap_;      // acre: memory: one heap
  acre::Thread thread_;  // acre: memory: and who allocates in it
  std::unordered_map<std::string, Symbol*> symbols_;
  std::vector<std::string> files_;
  Value out_of_memory_;  // made while there was memory
  static constexpr size_t kReserveBytes = 512 << 10;
  uint8_t* reserve_ = nullptr;
};

// A root for a scope, on the C++ stack: first in, last out.
class Keep {
 public:
  explicit Keep(Store& store, Value value = {})
      : value_(value), local_(store.thread(), pointer(value)) {}  // acre: root: in a scope
  Keep& operator=(Value value) {
    value_ = value;
    local_ = pointer(value);
    return *this;
  }
  Keep(const Keep&) = delete;
  Keep& operator=(const Keep&) = delete;

  Value get() const { return value_; }
  operator Value() const { return value_; }  // NOLINT(google-explicit-constructor)

 private:
  static void* pointer(Value value) {
    return value.is_reference() ? reinterpret_cast<void*>(value.bits()) : nullptr;
  }

  Value value_;
  acre::Local<void> local_;  // acre: root
};

// `kept` is as it was when the scope ends.
class KeptScope {
 public:
  explicit KeptScope(Store& store) : store_(store), size_(store.kept.size()) {}
  ~KeptScope() { store_.kept.resize(size_); }
  KeptScope(const KeptScope&) = delete;
  KeptScope& operator=(const KeptScope&) = delete;

 private:
  Store& store_;
  size_t size_;
};

// A list that grows at its end.
class ListBuilder {
 public:
  explicit ListBuilder(Store& store) : store_(store), first_(store, kNil) {}
  void add(Value value) {
    const Value pair = store_.cons(value, kNil);
    if (first_.get() == kNil) {
      first_ = pair;
    } else {
      last_.as_pair()->cdr = pair;
    }
    last_ = pair;
  }
  void set_tail(Value tail) {
    if (first_.get() == kNil) {
      first_ = tail;
    } else {
      last_.as_pair()->cdr = tail;
    }
  }
  Value list() const { return first_; }

 private:
  Store& store_;
  Keep first_;
  Value last_;
};

std::string to_utf8(std::u32string_view text);
std::u32string from_utf8(std::string_view bytes);  // what is not UTF-8 becomes U+FFFD
inline std::u32string_view text_of(Value string) {
  const String* object = string.as<String>();
  return {object->text.get(), object->length};
}
inline const std::string& name_of(Value symbol) { return *symbol.as<Symbol>()->name; }

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_VALUE_STORE_H_
