// What a Scheme value is: one word.
//
//   ...nnnnnnnn01  fixnum, 62 bits, in the upper ones
//   ...pppp tttt10 immediate: subtype t in bits 2 to 7, payload p from bit 8 on (characters, constants, headers)
//   ...aaaaaa0100  reference to a pair, which has no header: its address and 4
//   ...aaaaaa0000  reference to any other object (objects.h), which begins with a header; all zero: no value
//
// Objects of Acre are aligned to 16, and what it visits may be tagged in the low four bits, so a word with a
// reference can be shown to the collector as it is. A fixnum must not be: its bits could name any address.
// Slot is a value in an object: it carries the write barrier, and knows which words to show.
#ifndef ACRE_EXAMPLES_SCHEME_VALUE_VALUE_H_
#define ACRE_EXAMPLES_SCHEME_VALUE_VALUE_H_

#include <acre/acre.hpp>
#include <cstdint>

namespace scheme {

struct Object;
struct Pair;

enum class Type : uint8_t {
  kFlonum,
  kSymbol,
  kString,
  kBytevector,
  kPrimitive,
  kCode,
  kCoroutine,
  kPort,
  kWeakTable,
  // Tuples: a header and slots.
  kVector,
  kClosure,
  kBox,
  kRecord,
  kRecordType,
  kValues,
  kPromise,
  kParameter,
  kContinuation,
  kHashTable,
  kCondition,
  kMacro
};

class Value {
 public:
  constexpr Value() = default;
  static constexpr Value from_bits(uint64_t bits) {
    Value value;
    value.bits_ = bits;
    return value;
  }
  static constexpr Value fixnum(int64_t number) {
    return from_bits(static_cast<uint64_t>(number) << 2 | 1);
  }
  static constexpr Value character(char32_t code) { return immediate(kCharacter, code); }
  static constexpr Value boolean(bool yes) { return immediate(kConstant, yes ? 1 : 0); }
  static constexpr Value constant(uint64_t number) { return immediate(kConstant, number); }
  static constexpr Value header(Type type, uint64_t length) {
    return immediate(kHeader, length << 8 | static_cast<uint64_t>(type));
  }
  static Value of(const Pair* pair) { return from_bits(reinterpret_cast<uint64_t>(pair) + 4); }
  // Of any object with a header.
  static Value of(const void* object) { return from_bits(reinterpret_cast<uint64_t>(object)); }

  constexpr uint64_t bits() const { return bits_; }
  constexpr bool operator==(const Value&) const = default;

  constexpr bool is_reference() const { return (bits_ & 3) == 0 && bits_ != 0; }
  constexpr bool is_fixnum() const { return (bits_ & 3) == 1; }
  constexpr bool is_character() const { return (bits_ & 0xff) == (kCharacter << 2 | 2); }
  constexpr bool is_pair() const { return (bits_ & 15) == 4; }
  constexpr bool is_object() const { return (bits_ & 15) == 0 && bits_ != 0; }
  inline bool is(Type type) const;

  constexpr int64_t as_fixnum() const { return static_cast<int64_t>(bits_) >> 2; }
  constexpr char32_t as_character() const { return static_cast<char32_t>(bits_ >> 8); }
  Pair* as_pair() const { return reinterpret_cast<Pair*>(bits_ - 4); }
  Object* as_object() const { return reinterpret_cast<Object*>(bits_); }
  // The caller has asked for its type.
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(bits_);
  }
  constexpr Type header_type() const { return static_cast<Type>(bits_ >> 8 & 0xff); }
  constexpr uint64_t header_length() const { return bits_ >> 16; }

 private:
  static constexpr uint64_t kCharacter = 1;
  static constexpr uint64_t kConstant = 2;
  static constexpr uint64_t kHeader = 3;
  static constexpr Value immediate(uint64_t subtype, uint64_t payload) {
    return from_bits(payload << 8 | subtype << 2 | 2);
  }

  uint64_t bits_ = 0;
};

inline constexpr Value kFalse = Value::boolean(false);
inline constexpr Value kTrue = Value::boolean(true);
inline constexpr Value kNil = Value::constant(2);
inline constexpr Value kUnspecified = Value::constant(3);
inline constexpr Value kEof = Value::constant(4);
inline constexpr Value kUnassigned = Value::constant(5);  // a variable before its definition

inline constexpr int64_t kFixnumMax = (int64_t{1} << 61) - 1;
inline constexpr int64_t kFixnumMin = -(int64_t{1} << 61);

// A value in an object.
class Slot {
 public:
  Slot() = default;
  Slot(Value value) : word_(to_pointer(value)) {}  // NOLINT(google-explicit-constructor)
  Slot& operator=(Value value) {
    word_ = to_pointer(value);  // acre: barrier: Member's store is the write barrier
    return *this;
  }
  Slot(const Slot&) = default;
  Slot& operator=(const Slot& other) { return *this = other.get(); }

  Value get() const { return Value::from_bits(reinterpret_cast<uint64_t>(word_.get())); }
  operator Value() const { return get(); }  // NOLINT(google-explicit-constructor)

  // acre: kind: a word that is no reference is not for the collector
  void trace(acre::Visitor& visitor) {
    if (get().is_reference()) visitor(word_);
  }

 private:
  static void* to_pointer(Value value) { return reinterpret_cast<void*>(value.bits()); }

  acre::Member<void> word_;  // acre: barrier: the word, as one
};

struct Object {
  Value header;
};

struct Pair {
  Slot car, cdr;
  void trace(acre::Visitor& visitor) {  // acre: kind: what of a pair is a reference
    car.trace(visitor);
    cdr.trace(visitor);
  }
};

inline bool Value::is(Type type) const {
  return is_object() && as_object()->header.header_type() == type;
}

inline bool truthy(Value value) { return value != kFalse; }
inline Value car(Value pair) { return pair.as_pair()->car; }
inline Value cdr(Value pair) { return pair.as_pair()->cdr; }

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_VALUE_VALUE_H_
