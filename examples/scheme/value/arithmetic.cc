#include "examples/scheme/value/arithmetic.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace scheme {

namespace {

constexpr int kDeepestEqual = 10000;

[[noreturn]] void overflow(Store& store) {
  fail(store, "result of more than 62 bits: there are no bignums");
}

}  // namespace

double to_double(Store& store, Value number) {
  if (number.is_fixnum()) return static_cast<double>(number.as_fixnum());
  if (is_flonum(number)) return number.as<Flonum>()->number;
  fail(store, "not a number:", {number});
}

Value from_integer(Store& store, int64_t number) {
  if (number > kFixnumMax || number < kFixnumMin) overflow(store);
  return Value::fixnum(number);
}

Value add(Store& store, Value a, Value b) {
  if (a.is_fixnum() && b.is_fixnum()) return from_integer(store, a.as_fixnum() + b.as_fixnum());
  return store.flonum(to_double(store, a) + to_double(store, b));
}

Value subtract(Store& store, Value a, Value b) {
  if (a.is_fixnum() && b.is_fixnum()) return from_integer(store, a.as_fixnum() - b.as_fixnum());
  return store.flonum(to_double(store, a) - to_double(store, b));
}

Value multiply(Store& store, Value a, Value b) {
  if (a.is_fixnum() && b.is_fixnum()) {
    int64_t product = 0;
    if (__builtin_mul_overflow(a.as_fixnum(), b.as_fixnum(), &product)) overflow(store);
    return from_integer(store, product);
  }
  return store.flonum(to_double(store, a) * to_double(store, b));
}

Value divide(Store& store, Value a, Value b) {
  if (b.is_fixnum() && b.as_fixnum() == 0) fail(store, "division by zero");
  if (a.is_fixnum() && b.is_fixnum() && a.as_fixnum() % b.as_fixnum() == 0) {
    return from_integer(store, a.as_fixnum() / b.as_fixnum());
  }
  return store.flonum(to_double(store, a) / to_double(store, b));
}

// As whole numbers if both are, so that large ones are not rounded.
int compare(Store& store, Value a, Value b) {
  if (a.is_fixnum() && b.is_fixnum()) {
    return a.as_fixnum() < b.as_fixnum() ? -1 : a.as_fixnum() > b.as_fixnum() ? 1 : 0;
  }
  const double x = to_double(store, a);
  const double y = to_double(store, b);
  if (std::isnan(x) || std::isnan(y)) return 2;
  return x < y ? -1 : x > y ? 1 : 0;
}

bool is_integer(Value value) {
  return value.is_fixnum() ||
         (is_flonum(value) && std::isfinite(value.as<Flonum>()->number) &&
          std::floor(value.as<Flonum>()->number) == value.as<Flonum>()->number);
}

Value divide_integers(Store& store, Division what, Value a, Value b) {
  if (!is_integer(a)) fail(store, "not an integer:", {a});
  if (!is_integer(b)) fail(store, "not an integer:", {b});
  if (to_double(store, b) == 0) fail(store, "division by zero");
  if (a.is_fixnum() && b.is_fixnum()) {
    const int64_t x = a.as_fixnum();
    const int64_t y = b.as_fixnum();
    const int64_t remainder = x % y;
    const bool adjusts = remainder != 0 && (remainder < 0) != (y < 0);
    switch (what) {
      case Division::kQuotient: return from_integer(store, x / y);
      case Division::kRemainder: return Value::fixnum(remainder);
      case Division::kModulo: return Value::fixnum(adjusts ? remainder + y : remainder);
      case Division::kFloor: return from_integer(store, adjusts ? x / y - 1 : x / y);
    }
  }
  const double x = to_double(store, a);
  const double y = to_double(store, b);
  switch (what) {
    case Division::kQuotient: return store.flonum(std::trunc(x / y));
    case Division::kRemainder: return store.flonum(std::fmod(x, y));
    case Division::kModulo: return store.flonum(x - y * std::floor(x / y));
    case Division::kFloor: return store.flonum(std::floor(x / y));
  }
  return {};
}

Value exact(Store& store, Value number) {
  if (number.is_fixnum()) return number;
  const double value = to_double(store, number);
  if (!is_integer(number))
    fail(store, "no exact number for this: there are no fractions:", {number});
  if (std::abs(value) >= 0x1p61) overflow(store);
  return Value::fixnum(static_cast<int64_t>(value));
}

bool eqv(Value a, Value b) {
  if (a == b) return true;
  if (!is_flonum(a) || !is_flonum(b)) return false;
  return std::bit_cast<uint64_t>(a.as<Flonum>()->number) ==
         std::bit_cast<uint64_t>(b.as<Flonum>()->number);
}

bool equal(Store& store, Value a, Value b, int depth) {
  if (depth > kDeepestEqual) fail(store, "equal?: nested too deep");
  for (; a.is_pair() && b.is_pair(); a = cdr(a), b = cdr(b)) {
    if (a == b) return true;
    if (!equal(store, car(a), car(b), depth + 1)) return false;
  }
  if (eqv(a, b)) return true;
  if (a.is(Type::kString) && b.is(Type::kString)) return text_of(a) == text_of(b);
  if (a.is(Type::kBytevector) && b.is(Type::kBytevector)) {
    const auto* x = a.as<Bytevector>();
    const auto* y = b.as<Bytevector>();
    return x->length == y->length &&
           (x->length == 0 || std::memcmp(x->bytes.get(), y->bytes.get(), x->length) == 0);
  }
  if (!a.is(Type::kVector) || !b.is(Type::kVector)) return false;
  if (tuple(a)->length() != tuple(b)->length()) return false;
  for (uint64_t i = 0; i < tuple(a)->length(); ++i) {
    if (!equal(store, tuple(a)->at(i), tuple(b)->at(i), depth + 1)) return false;
  }
  return true;
}

// acre: memory: an address is a good hash: objects do not move
uint64_t hash_eqv(Value value) {
  uint64_t bits = value.bits();
  if (is_flonum(value)) std::memcpy(&bits, &value.as<Flonum>()->number, sizeof(bits));
  bits *= 0x9e3779b97f4a7c15;
  return bits ^ bits >> 29;
}

uint64_t hash_equal(Value value, int depth) {
  constexpr int kItems = 8;
  uint64_t hash = 17;
  const auto mix = [&](uint64_t other) { hash = (hash ^ other) * 0x100000001b3; };
  if (depth > kItems) return hash;
  if (value.is_pair()) {
    for (int i = 0; value.is_pair() && i < kItems; ++i, value = cdr(value))
      mix(hash_equal(car(value), depth + 1));
    return hash ^ hash >> 29;
  }
  if (value.is(Type::kString)) {
    for (const char32_t c : text_of(value)) mix(c);
    return hash ^ hash >> 29;
  }
  if (value.is(Type::kVector)) {
    for (uint64_t i = 0; i < tuple(value)->length() && i < kItems; ++i) {
      mix(hash_equal(tuple(value)->at(i), depth + 1));
    }
    return hash ^ hash >> 29;
  }
  if (value.is(Type::kBytevector)) return value.as<Bytevector>()->length;
  return hash_eqv(value);
}

}  // namespace scheme
