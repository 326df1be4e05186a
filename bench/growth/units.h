// Numbers as people read them. Sizes are binary (1G = 2^30 bytes) with one letter, so that a table of
// fourteen columns fits a terminal; never "nan" or "inf": what has no value is "-".
#pragma once

#include <cstdint>
#include <string>

namespace acre::bench {

inline constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// "2.00G", "310M", "0": three significant digits.
std::string short_bytes(double bytes);
// The same for prose: "2.00 GiB", "310 MiB".
std::string long_bytes(double bytes);
// "12.3 s", "4.56 ms", "789 us", "0".
std::string short_time(double seconds);
// Three significant digits; "-" for what is not finite.
std::string short_number(double value);
// 1234567 as "1,234,567".
std::string grouped(std::uint64_t value);

// a / b, and 0 where b is 0: for ratios that are printed and stored.
inline double ratio(double a, double b) { return b > 0 ? a / b : 0.0; }

}  // namespace acre::bench
