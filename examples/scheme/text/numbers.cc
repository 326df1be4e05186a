#include "examples/scheme/text/numbers.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace scheme {

namespace {

// The shortest digits that read back as the same number; few zeros are written out, as Guile does.
std::string flonum_to_string(double number) {
  if (std::isnan(number)) return "+nan.0";
  if (std::isinf(number)) return number > 0 ? "+inf.0" : "-inf.0";
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof(text), number, std::chars_format::scientific).ptr;
  const std::string shortest(text, end);
  const size_t mark = shortest.find('e');
  std::string digits;
  for (const char c : shortest.substr(0, mark)) {
    if (c != '-' && c != '.') digits.push_back(c);
  }
  const int exponent = std::stoi(shortest.substr(mark + 1));
  const int whole = exponent + 1;  // digits before the point
  const int count = static_cast<int>(digits.size());
  std::string out = std::signbit(number) ? "-" : "";
  if (number == 0) return out + "0.0";
  if (whole > 20 || whole < -2 || whole - count >= 7) {
    return out + digits[0] + "." + (count > 1 ? digits.substr(1) : "0") + "e" +
           std::to_string(exponent);
  }
  if (whole <= 0) return out + "0." + std::string(static_cast<size_t>(-whole), '0') + digits;
  if (whole >= count)
    return out + digits + std::string(static_cast<size_t>(whole - count), '0') + ".0";
  return out + digits.substr(0, static_cast<size_t>(whole)) + "." +
         digits.substr(static_cast<size_t>(whole));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Value integer(Store& store, std::string_view text, int radix) {
  const bool plus = text[0] == '+';
  const std::string_view digits = text.substr(plus ? 1 : 0);
  if (digits.empty() || (plus && digits[0] == '-')) return {};
  int64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, radix);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) return {};
  if (error == std::errc::result_out_of_range || number > kFixnumMax || number < kFixnumMin) {
    fail(store, "integer of more than 62 bits");
  }
  return Value::fixnum(number);
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What a decimal number may be made of; from_chars takes more ("inf", "nan").
bool looks_decimal(std::string_view text) {
  size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
  bool any = false;
  for (; i < text.size() && (is_digit(text[i]) || text[i] == '.'); ++i) any |= is_digit(text[i]);
  if (!any) return false;
  if (i == text.size()) return true;
  return (text[i] == 'e' || text[i] == 'E') && i + 1 < text.size();
}

Value decimal(Store& store, std::string_view text) {
  if (text == "+inf.0") return store.flonum(std::numeric_limits<double>::infinity());
  if (text == "-inf.0") return store.flonum(-std::numeric_limits<double>::infinity());
  if (text == "+nan.0" || text == "-nan.0") return store.flonum(std::nan(""));
  if (!looks_decimal(text)) return {};
  std::string_view rest = text.substr(text[0] == '+' ? 1 : 0);
  double number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (end != rest.data() + rest.size() || error == std::errc::invalid_argument) return {};
  if (error == std::errc::result_out_of_range)
    number = std::strtod(std::string(rest).c_str(), nullptr);
  return store.flonum(number);
}

Value fraction(Store& store, std::string_view text, size_t slash, int radix) {
  const Value above = integer(store, text.substr(0, slash), radix);
  const std::string_view behind = text.substr(slash + 1);
  if (behind.empty() || behind[0] == '-' || behind[0] == '+') return {};
  const Value below = integer(store, behind, radix);
  if (!above.is_fixnum() || !below.is_fixnum() || below.as_fixnum() == 0) return {};
  const int64_t a = above.as_fixnum();
  const int64_t b = below.as_fixnum();
  if (a % b == 0) return Value::fixnum(a / b);
  return store.flonum(static_cast<double>(a) / static_cast<double>(b));
}

Value to_exactness(Store& store, Value number, char exactness) {
  if (exactness == 'i' && number.is_fixnum())
    return store.flonum(static_cast<double>(number.as_fixnum()));
  if (exactness == 'e' && is_flonum(number)) {
    const double value = number.as<Flonum>()->number;
    if (value != std::floor(value) || std::abs(value) > 2e18)
      fail(store, "no exact number for this", {number});
    return Value::fixnum(static_cast<int64_t>(value));
  }
  return number;
}

}  // namespace

std::string number_to_string(Value number, int radix) {
  if (!number.is_fixnum()) return flonum_to_string(number.as<Flonum>()->number);
  char text[72];
  return {text, std::to_chars(text, text + sizeof(text), number.as_fixnum(), radix).ptr};
}

bool reads_as_number(std::string_view text) {
  if (text == "+inf.0" || text == "-inf.0" || text == "+nan.0" || text == "-nan.0") return true;
  if (text.empty()) return false;
  const std::string_view rest = text.substr(text[0] == '-' || text[0] == '+' ? 1 : 0);
  const size_t slash = rest.find('/');
  if (slash != std::string_view::npos)
    return all_digits(rest.substr(0, slash)) && all_digits(rest.substr(slash + 1));
  if (!looks_decimal(text)) return false;
  double ignored = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), ignored);
  return error != std::errc::invalid_argument && end == rest.data() + rest.size();
}

Value parse_number(Store& store, std::string_view text, int radix) {
  char exactness = 0;
  while (text.size() >= 2 && text[0] == '#') {
    switch (text[1]) {
      case 'x':
      case 'X': radix = 16; break;
      case 'b':
      case 'B': radix = 2; break;
      case 'o':
      case 'O': radix = 8; break;
      case 'd':
      case 'D': radix = 10; break;
      case 'e':
      case 'E': exactness = 'e'; break;
      case 'i':
      case 'I': exactness = 'i'; break;
      default: return {};
    }
    text.remove_prefix(2);
  }
  if (text.empty()) return {};
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos && slash > 0) return fraction(store, text, slash, radix);
  const Value whole = integer(store, text, radix);
  if (whole != Value()) return to_exactness(store, whole, exactness);
  const Value number = radix == 10 ? decimal(store, text) : Value();
  return number == Value() ? number : to_exactness(store, number, exactness);
}

}  // namespace scheme
