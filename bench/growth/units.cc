#include "bench/growth/units.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace acre::bench {
namespace {

struct Scaled {
  double value;
  const char* letter;
};

Scaled scale(double bytes) {
  constexpr std::array<const char*, 5> kLetters = {"", "K", "M", "G", "T"};
  std::size_t step = 0;
  // 1000 and not 1024: four digits would widen the column.
  while (std::fabs(bytes) >= 999.5 && step + 1 < kLetters.size()) {
    bytes /= 1024;
    ++step;
  }
  return {bytes, kLetters[step]};
}

std::string three_digits(double value) {
  const double size = std::fabs(value);
  if (size < 9.995) return fmt::format("{:.2f}", value);
  if (size < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

}  // namespace

std::string short_bytes(double bytes) {
  if (!std::isfinite(bytes)) return "-";
  const Scaled scaled = scale(bytes);
  if (*scaled.letter == '\0') return fmt::format("{:.0f}", bytes);
  return three_digits(scaled.value) + scaled.letter;
}

std::string long_bytes(double bytes) {
  if (!std::isfinite(bytes)) return "-";
  const Scaled scaled = scale(bytes);
  if (*scaled.letter == '\0') return fmt::format("{:.0f} B", bytes);
  return fmt::format("{} {}iB", three_digits(scaled.value), scaled.letter);
}

std::string short_time(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds <= 0) return "0";
  if (seconds < 0.9995e-6) return fmt::format("{:.0f} ns", seconds * 1e9);
  if (seconds < 0.9995e-3) return three_digits(seconds * 1e6) + " us";
  if (seconds < 0.9995) return three_digits(seconds * 1e3) + " ms";
  return three_digits(seconds) + " s";
}

std::string short_number(double value) { return std::isfinite(value) ? three_digits(value) : "-"; }

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

}  // namespace acre::bench
