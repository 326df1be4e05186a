#include "bench/facts/fact.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace acre::bench {
namespace {

constexpr std::array<const char*, 4> kVerdicts = {"holds", "does not hold", "measured",
                                                  "not applicable here"};

}  // namespace

const char* text_of(Verdict verdict) { return kVerdicts[static_cast<std::size_t>(verdict)]; }

void Findings::judge(std::string claim, std::string measured, bool holds, Numbers numbers) {
  send({std::move(claim), std::move(measured), holds ? Verdict::kHolds : Verdict::kDoesNotHold,
        std::move(numbers)});
}

void Findings::measured(std::string claim, std::string measured, Numbers numbers) {
  send({std::move(claim), std::move(measured), Verdict::kMeasured, std::move(numbers)});
}

void Findings::not_applicable(std::string claim, std::string why) {
  send({std::move(claim), std::move(why), Verdict::kNotApplicable, {}});
}

void Findings::send(const Finding& finding) {
  const std::string line = encode(finding);
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t got = write(pipe_, line.data() + sent, line.size() - sent);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::runtime_error("nobody reads the findings");
    sent += static_cast<std::size_t>(got);
  }
}

std::string encode(const Finding& finding) {
  nlohmann::json numbers = nlohmann::json::array();
  for (const auto& [name, value] : finding.numbers) numbers.push_back({name, value});
  const nlohmann::json line = {finding.claim, finding.measured, static_cast<int>(finding.verdict),
                               numbers};
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Finding decode(const std::string& line) {
  const nlohmann::json parts = nlohmann::json::parse(line);
  const int verdict = parts.at(2);
  if (verdict < 0 || static_cast<std::size_t>(verdict) >= kVerdicts.size()) {
    throw std::runtime_error("no such verdict");
  }
  Finding finding = {parts.at(0), parts.at(1), static_cast<Verdict>(verdict), {}};
  for (const auto& number : parts.at(3)) finding.numbers.emplace_back(number.at(0), number.at(1));
  return finding;
}

}  // namespace acre::bench
