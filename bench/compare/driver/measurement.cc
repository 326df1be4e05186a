#include "bench/compare/driver/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/compare/driver/child.h"

namespace acre::bench {
namespace {

using Json = nlohmann::json;

const Json& member(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end()) throw std::runtime_error(fmt::format("no \"{}\"", key));
  return *at;
}

double seconds_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  const double seconds = value.is_number() ? value.get<double>() : NAN;
  if (!std::isfinite(seconds) || seconds < 0) {
    throw std::runtime_error(fmt::format("\"{}\" is no time", key));
  }
  return seconds;
}

std::uint64_t count_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_number_unsigned()) throw std::runtime_error(fmt::format("\"{}\" is no count", key));
  return value.get<std::uint64_t>();
}

std::string answer_of(const Json& object) {
  const Json& value = member(object, "answer");
  std::string answer = value.is_string() ? value.get<std::string>() : "";
  const bool hex = std::all_of(answer.begin(), answer.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (answer.size() != 16 || !hex) throw std::runtime_error("\"answer\" is not 16 hex digits");
  return answer;
}

std::vector<Phase> phases_of(const Json& object) {
  std::vector<Phase> phases;
  const auto at = object.find("phases");
  if (at == object.end()) return phases;
  for (const Json& each : *at) {
    const Json& name = each.is_object() ? member(each, "name") : each;
    if (!each.is_object() || !name.is_string()) throw std::runtime_error("a phase has no name");
    phases.push_back({name.get<std::string>(), seconds_of(each, "ns")});
  }
  return phases;
}

Measurement measurement_of(const std::string& output) {
  const std::size_t newline = output.find('\n');
  if (newline != std::string::npos && newline + 1 != output.size()) {
    throw std::runtime_error("more than one line");
  }
  const Json object = Json::parse(output, nullptr, false);
  if (!object.is_object()) throw std::runtime_error("not a JSON object");
  Measurement figures;
  figures.answer = answer_of(object);
  figures.seconds = seconds_of(object, "seconds");
  if (figures.seconds <= 0) throw std::runtime_error("\"seconds\" is 0");
  figures.cpu_seconds = seconds_of(object, "cpu_seconds");
  figures.setup_seconds = seconds_of(object, "setup_seconds");
  figures.live_bytes = count_of(object, "live_bytes");
  figures.collections = count_of(object, "collections");
  figures.phases = phases_of(object);
  return figures;
}

}  // namespace

std::optional<Measurement> parse_measurement(const std::string& output, std::string& problem) {
  try {
    return measurement_of(output);
  } catch (const std::runtime_error& wrong) {
    const std::string last = last_line(output);
    problem = fmt::format("what it printed is not a result ({}): {}", wrong.what(),
                          last.empty() ? "nothing" : last);
    return std::nullopt;
  }
}

}  // namespace acre::bench
