// Primitives on numbers.
#include <chrono>
#include <cmath>
#include <numeric>

#include "examples/scheme/library/library.h"
#include "examples/scheme/text/numbers.h"

namespace scheme {

namespace {

using Folded = Value (*)(Store&, Value, Value);

Value fold(Machine& machine, Value* arguments, int count, Value first, Folded what) {
  Keep result(machine.store(), first);
  if (count == 1) return what(machine.store(), first, arguments[0]);
  for (int i = 0; i < count; ++i) result = what(machine.store(), result, arguments[i]);
  return result;
}

// a - b - c ..., or `first` - a.
Value reduce(Machine& machine, Value* arguments, int count, Value first, Folded what) {
  if (count == 1) return what(machine.store(), first, arguments[0]);
  Keep result(machine.store(), arguments[0]);
  for (int i = 1; i < count; ++i) result = what(machine.store(), result, arguments[i]);
  return result;
}

template <class Holds>
Value chain(Machine& machine, Value* arguments, int count, Holds holds) {
  bool all = true;
  if (count == 1) (void)to_double(machine.store(), arguments[0]);
  for (int i = 0; i + 1 < count; ++i)
    all &= holds(compare(machine.store(), arguments[i], arguments[i + 1]));
  return Value::boolean(all);
}

// Of flonums a flonum, of fixnums themselves.
template <double (*kFn)(double)>
Value rounded(Machine& machine, Value* arguments, int) {
  if (arguments[0].is_fixnum()) return arguments[0];
  return machine.store().flonum(kFn(to_double(machine.store(), arguments[0])));
}

template <double (*kFn)(double)>
Value real(Machine& machine, Value* arguments, int) {
  return machine.store().flonum(kFn(to_double(machine.store(), arguments[0])));
}

template <Division kWhat>
Value division(Machine& machine, Value* arguments, int) {
  return divide_integers(machine.store(), kWhat, arguments[0], arguments[1]);
}

template <Division kFirst, Division kSecond>
Value both(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  const Keep first(store, divide_integers(store, kFirst, arguments[0], arguments[1]));
  const Keep second(store, divide_integers(store, kSecond, arguments[0], arguments[1]));
  return store.tuple_of(Type::kValues, {first, second});
}

Value square_root(Machine& machine, Value* arguments, int) {
  const double root = std::sqrt(to_double(machine.store(), arguments[0]));
  if (std::isnan(root))
    fail(machine.store(), "sqrt: there are no complex numbers:", {arguments[0]});
  if (arguments[0].is_fixnum() && root == std::floor(root) && root < 0x1p31) {
    const auto whole = static_cast<int64_t>(root);
    if (whole * whole == arguments[0].as_fixnum()) return Value::fixnum(whole);
  }
  return machine.store().flonum(root);
}

Value exact_root(Machine& machine, Value* arguments, int) {
  const int64_t n = integer_of(machine, arguments[0], "exact-integer-sqrt");
  if (n < 0) fail(machine.store(), "exact-integer-sqrt: negative:", {arguments[0]});
  auto root = static_cast<int64_t>(std::sqrt(static_cast<double>(n)));
  while (root * root > n) --root;
  while ((root + 1) * (root + 1) <= n) ++root;
  return machine.store().tuple_of(Type::kValues,
                                  {Value::fixnum(root), Value::fixnum(n - root * root)});
}

Value power(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  if (!arguments[0].is_fixnum() || !arguments[1].is_fixnum() || arguments[1].as_fixnum() < 0) {
    return store.flonum(std::pow(to_double(store, arguments[0]), to_double(store, arguments[1])));
  }
  Value base = arguments[0];
  Value result = Value::fixnum(1);
  for (int64_t left = arguments[1].as_fixnum(); left > 0; left /= 2) {
    if (left % 2 != 0) result = multiply(store, result, base);
    if (left > 1) base = multiply(store, base, base);
  }
  return result;
}

template <int kSign>
Value extreme(Machine& machine, Value* arguments, int count) {
  Value best = arguments[0];
  bool inexact = false;
  for (int i = 0; i < count; ++i) {
    inexact |= is_flonum(arguments[i]);
    if (compare(machine.store(), arguments[i], best) == kSign) best = arguments[i];
  }
  if (inexact && best.is_fixnum()) return machine.store().flonum(to_double(machine.store(), best));
  return best;
}

Value common(Machine& machine, Value* arguments, int count, bool multiple) {
  int64_t result = multiple ? 1 : 0;
  for (int i = 0; i < count; ++i) {
    const int64_t n = std::abs(integer_of(machine, arguments[i], multiple ? "lcm" : "gcd"));
    if (!multiple) {
      result = std::gcd(result, n);
    } else if (n == 0) {
      result = 0;
    } else {
      result =
          multiply(machine.store(), Value::fixnum(result / std::gcd(result, n)), Value::fixnum(n))
              .as_fixnum();
    }
  }
  return Value::fixnum(result);
}

Value to_text(Machine& machine, Value* arguments, int count) {
  const int64_t radix = count > 1 ? integer_of(machine, arguments[1], "number->string") : 10;
  (void)to_double(machine.store(), arguments[0]);
  if (radix < 2 || radix > 36) fail(machine.store(), "number->string: radix out of range");
  return machine.store().string(number_to_string(arguments[0], static_cast<int>(radix)));
}

Value from_text(Machine& machine, Value* arguments, int count) {
  const int64_t radix = count > 1 ? integer_of(machine, arguments[1], "string->number") : 10;
  check(machine, arguments[0], Type::kString, "string->number");
  if (radix < 2 || radix > 36) fail(machine.store(), "string->number: radix out of range");
  const Value number =
      parse_number(machine.store(), to_utf8(text_of(arguments[0])), static_cast<int>(radix));
  return number == Value() ? kFalse : number;
}

Value arc_tangent(Machine& machine, Value* arguments, int count) {
  const double y = to_double(machine.store(), arguments[0]);
  if (count == 1) return machine.store().flonum(std::atan(y));
  return machine.store().flonum(std::atan2(y, to_double(machine.store(), arguments[1])));
}

Value logarithm(Machine& machine, Value* arguments, int count) {
  const double x = std::log(to_double(machine.store(), arguments[0]));
  if (count == 1) return machine.store().flonum(x);
  return machine.store().flonum(x / std::log(to_double(machine.store(), arguments[1])));
}

Value exponential(Machine& machine, Value* arguments, int) {
  if (arguments[0] == Value::fixnum(0)) return Value::fixnum(1);
  return machine.store().flonum(std::exp(to_double(machine.store(), arguments[0])));
}

int64_t jiffies() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <bool (*kFn)(Value)>
Value is_a(Machine&, Value* arguments, int) {
  return Value::boolean(kFn(arguments[0]));
}

bool is_exact_integer(Value value) { return value.is_fixnum(); }
bool is_rational(Value value) {
  return value.is_fixnum() || (is_flonum(value) && std::isfinite(value.as<Flonum>()->number));
}
bool is_not_a_number(Value value) {
  return is_flonum(value) && std::isnan(value.as<Flonum>()->number);
}
bool is_infinite(Value value) { return is_flonum(value) && std::isinf(value.as<Flonum>()->number); }

template <int64_t kBit>
Value parity(Machine& machine, Value* arguments, int) {
  return Value::boolean((integer_of(machine, arguments[0], kBit != 0 ? "odd?" : "even?") & 1) ==
                        kBit);
}

constexpr PrimitiveRow kArithmetic[] = {
    {"+", 0, -1, [](Machine& m, Value* a, int n) { return fold(m, a, n, Value::fixnum(0), add); }},
    {"*", 0, -1,
     [](Machine& m, Value* a, int n) { return fold(m, a, n, Value::fixnum(1), multiply); }},
    {"-", 1, -1,
     [](Machine& m, Value* a, int n) { return reduce(m, a, n, Value::fixnum(0), subtract); }},
    {"/", 1, -1,
     [](Machine& m, Value* a, int n) { return reduce(m, a, n, Value::fixnum(1), divide); }},
    {"=", 1, -1,
     [](Machine& m, Value* a, int n) { return chain(m, a, n, [](int c) { return c == 0; }); }},
    {"<", 1, -1,
     [](Machine& m, Value* a, int n) { return chain(m, a, n, [](int c) { return c == -1; }); }},
    {">", 1, -1,
     [](Machine& m, Value* a, int n) { return chain(m, a, n, [](int c) { return c == 1; }); }},
    {"<=", 1, -1,
     [](Machine& m, Value* a, int n) { return chain(m, a, n, [](int c) { return c <= 0; }); }},
    {">=", 1, -1,
     [](Machine& m, Value* a, int n) {
       return chain(m, a, n, [](int c) { return c == 0 || c == 1; });
     }},
    {"quotient", 2, 2, division<Division::kQuotient>},
    {"remainder", 2, 2, division<Division::kRemainder>},
    {"modulo", 2, 2, division<Division::kModulo>},
    {"truncate-quotient", 2, 2, division<Division::kQuotient>},
    {"truncate-remainder", 2, 2, division<Division::kRemainder>},
    {"floor-quotient", 2, 2, division<Division::kFloor>},
    {"floor-remainder", 2, 2, division<Division::kModulo>},
    {"floor/", 2, 2, both<Division::kFloor, Division::kModulo>},
    {"truncate/", 2, 2, both<Division::kQuotient, Division::kRemainder>},
    {"gcd", 0, -1, [](Machine& m, Value* a, int n) { return common(m, a, n, false); }},
    {"lcm", 0, -1, [](Machine& m, Value* a, int n) { return common(m, a, n, true); }},
    {"max", 1, -1, extreme<1>},
    {"min", 1, -1, extreme<-1>},
    {"abs", 1, 1,
     [](Machine& m, Value* a, int) {
       return compare(m.store(), a[0], Value::fixnum(0)) == -1
                  ? subtract(m.store(), Value::fixnum(0), a[0])
                  : a[0];
     }},
    {"square", 1, 1, [](Machine& m, Value* a, int) { return multiply(m.store(), a[0], a[0]); }},
    {"expt", 2, 2, power},
    {"exact-integer-sqrt", 1, 1, exact_root},
    {"sqrt", 1, 1, square_root},
    {"exp", 1, 1, exponential},
    {"log", 1, 2, logarithm},
    {"sin", 1, 1, real<std::sin>},
    {"cos", 1, 1, real<std::cos>},
    {"tan", 1, 1, real<std::tan>},
    {"asin", 1, 1, real<std::asin>},
    {"acos", 1, 1, real<std::acos>},
    {"atan", 1, 2, arc_tangent},
    {"floor", 1, 1, rounded<std::floor>},
    {"ceiling", 1, 1, rounded<std::ceil>},
    {"truncate", 1, 1, rounded<std::trunc>},
    {"round", 1, 1, rounded<std::nearbyint>},
};

constexpr PrimitiveRow kOthers[] = {
    {"exact", 1, 1, [](Machine& m, Value* a, int) { return exact(m.store(), a[0]); }},
    {"inexact->exact", 1, 1, [](Machine& m, Value* a, int) { return exact(m.store(), a[0]); }},
    {"inexact", 1, 1,
     [](Machine& m, Value* a, int) { return m.store().flonum(to_double(m.store(), a[0])); }},
    {"exact->inexact", 1, 1,
     [](Machine& m, Value* a, int) { return m.store().flonum(to_double(m.store(), a[0])); }},
    {"number?", 1, 1, is_a<is_number>},
    {"complex?", 1, 1, is_a<is_number>},
    {"real?", 1, 1, is_a<is_number>},
    {"rational?", 1, 1, is_a<is_rational>},
    {"integer?", 1, 1, is_a<is_integer>},
    {"exact?", 1, 1,
     [](Machine& m, Value* a, int) {
       return (void)to_double(m.store(), a[0]), Value::boolean(a[0].is_fixnum());
     }},
    {"inexact?", 1, 1,
     [](Machine& m, Value* a, int) {
       return (void)to_double(m.store(), a[0]), Value::boolean(is_flonum(a[0]));
     }},
    {"exact-integer?", 1, 1, is_a<is_exact_integer>},
    {"nan?", 1, 1, is_a<is_not_a_number>},
    {"infinite?", 1, 1, is_a<is_infinite>},
    {"finite?", 1, 1, is_a<is_rational>},
    {"zero?", 1, 1,
     [](Machine& m, Value* a, int) { return Value::boolean(to_double(m.store(), a[0]) == 0); }},
    {"positive?", 1, 1,
     [](Machine& m, Value* a, int) { return Value::boolean(to_double(m.store(), a[0]) > 0); }},
    {"negative?", 1, 1,
     [](Machine& m, Value* a, int) { return Value::boolean(to_double(m.store(), a[0]) < 0); }},
    {"odd?", 1, 1, parity<1>},
    {"even?", 1, 1, parity<0>},
    {"number->string", 1, 2, to_text},
    {"string->number", 1, 2, from_text},
    {"current-jiffy", 0, 0, [](Machine&, Value*, int) { return Value::fixnum(jiffies()); }},
    {"jiffies-per-second", 0, 0, [](Machine&, Value*, int) { return Value::fixnum(1000000); }},
    {"current-second", 0, 0,
     [](Machine& m, Value*, int) {
       return m.store().flonum(
           std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
               .count());
     }},
};

}  // namespace

void install_numbers(Machine& machine) {
  install(machine, kArithmetic);
  install(machine, kOthers);
}

}  // namespace scheme
