// What a fact is, and what it finds.
//
// A fact is a function that does something to memory, looks at what the kernel says of it, and puts
// down findings. It runs in a process of its own (runner.h), so it may leave its mappings behind, ask
// for small pages only, or fill the process with mappings. Findings are written to the parent one by one:
// those that were there before a crash are kept.
//
// A finding is a claim with what was measured. It is judged only where the claim says something that
// must be so; a cost, or what depends on the state of the machine, is shown as measured.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace acre::bench {

enum class Verdict { kHolds, kDoesNotHold, kMeasured, kNotApplicable };

// "holds", "does not hold", "measured", "not applicable here".
const char* text_of(Verdict verdict);

// Named whole numbers for the JSON: bytes, counts, nanoseconds (the name says which).
using Numbers = std::vector<std::pair<std::string, std::int64_t>>;

struct Finding {
  std::string claim;
  std::string measured;  // not applicable: why
  Verdict verdict = Verdict::kMeasured;
  Numbers numbers;
};

// Where a fact puts its findings: a pipe.
class Findings {
 public:
  explicit Findings(int pipe) : pipe_(pipe) {}

  void judge(std::string claim, std::string measured, bool holds, Numbers numbers = {});
  void measured(std::string claim, std::string measured, Numbers numbers = {});
  void not_applicable(std::string claim, std::string why);

 private:
  void send(const Finding& finding);

  int pipe_;
};

// A finding as a line, and back; throws std::exception for what is none.
std::string encode(const Finding& finding);
Finding decode(const std::string& line);

struct Fact {
  const char* id;
  const char* about;
  bool heap_relies;  // Acre's heap is wrong, or worse than it says, where this does not hold
  void (*run)(Findings& findings);
};

}  // namespace acre::bench
