// Facts about the kernel: how each end of a child is told, what the probes see, and the program as a person
// runs it.
#include <signal.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "bench/facts/catalogue.h"
#include "bench/facts/json.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"
#include "bench/facts/runner.h"
#include "bench/facts/survey.h"
#include "bench/facts/table.h"
#include "bench/growth/process.h"
#include "test/bench/command.h"
#include "test/bench/source_tree.h"

namespace acre::bench {
namespace {

constexpr double kShort = 0.3;  // seconds: for a child that is to be killed

FactRun run_body(void (*body)(Findings&), double timeout = kFactSeconds) {
  return run_fact({"made_up", "a fact of the test", false, body}, timeout);
}

Survey survey_of(const FactRun& run) {
  Survey survey;
  survey.runs.push_back(run);
  return survey;
}

// MMAP_FACTS: where the program is, if the test does not run under Bazel.
Ran run(const std::string& arguments) {
  return run_program("MMAP_FACTS", "bench/mmap_facts", arguments);
}

void check_usage_error(const std::string& arguments, const std::string& reason) {
  const Ran ran = run(arguments);
  BOOST_TEST_CONTEXT(arguments << " printed\n" << ran.output) {
    BOOST_TEST(ran.code == 2);
    BOOST_TEST(contains(ran.output, reason));
    BOOST_TEST(contains(ran.output, "Usage:"));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mmap_facts_runner)

BOOST_AUTO_TEST_CASE(findings_come_back_as_they_were_found) {
  const FactRun run = run_body([](Findings& findings) {
    findings.judge("a \"claim\"\nof two lines", "text", true, {{"bytes", -7}, {"count", 1}});
    findings.judge("another", "", false);
    findings.measured("a cost", "1 us");
    findings.not_applicable("a third", "no such kernel");
  });
  BOOST_TEST(run.failure == "");
  BOOST_TEST_REQUIRE(run.findings.size() == 4u);
  BOOST_TEST(run.findings[0].claim == "a \"claim\"\nof two lines");
  BOOST_TEST((run.findings[0].numbers == Numbers{{"bytes", -7}, {"count", 1}}));
  BOOST_TEST((run.findings[0].verdict == Verdict::kHolds));
  BOOST_TEST((run.findings[1].verdict == Verdict::kDoesNotHold));
  BOOST_TEST((run.findings[2].verdict == Verdict::kMeasured));
  BOOST_TEST((run.findings[3].verdict == Verdict::kNotApplicable));
  BOOST_TEST(run.findings[3].measured == "no such kernel");
  BOOST_TEST(!run.good());
}

BOOST_AUTO_TEST_CASE(only_what_does_not_hold_is_bad) {
  const FactRun run = run_body([](Findings& findings) {
    findings.judge("one", "", true);
    findings.measured("two", "");
    findings.not_applicable("three", "");
  });
  BOOST_TEST(run.good());
  BOOST_TEST(survey_of(run).good());
}

BOOST_AUTO_TEST_CASE(a_crash_is_told_with_what_was_found_before_it) {
  const FactRun run = run_body([](Findings& findings) {
    findings.judge("before", "", true);
    raise(SIGSEGV);
  });
  BOOST_TEST(contains(run.failure, "killed by signal 11"));
  BOOST_TEST(run.findings.size() == 1u);
  const Survey survey = survey_of(run);
  BOOST_TEST(!survey.good());
  BOOST_TEST(survey.failures() == 1);
  BOOST_TEST(contains(survey_text(survey), "killed by signal 11"));
  const auto json = nlohmann::json::parse(to_json(survey));
  BOOST_TEST(json["good"] == false);
  BOOST_TEST(json["facts"][0]["failure"] == run.failure);
}

BOOST_AUTO_TEST_CASE(a_child_that_hangs_is_killed) {
  const double start = now_seconds();
  const FactRun run = run_body(
      [](Findings& findings) {
        findings.judge("before", "", true);
        for (;;) pause();
      },
      kShort);
  BOOST_TEST(now_seconds() - start < 20);
  BOOST_TEST(contains(run.failure, "not done after"));
  BOOST_TEST(run.findings.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_child_that_stops_writing_and_goes_on_is_killed) {
  const FactRun run = run_body(
      [](Findings&) {
        for (int file = 3; file < 256; ++file) close(file);
        for (;;) pause();
      },
      kShort);
  BOOST_TEST(contains(run.failure, "not done after"));
}

BOOST_AUTO_TEST_CASE(an_exception_is_told_by_its_words) {
  const FactRun run = run_body([](Findings&) { throw std::runtime_error("no address space"); });
  BOOST_TEST(run.failure == "no address space");
}

BOOST_AUTO_TEST_CASE(a_child_that_exits_with_a_code_or_finds_nothing_has_failed) {
  BOOST_TEST(run_body([](Findings&) { _exit(9); }).failure == "exit code 9");
  BOOST_TEST(run_body([](Findings&) {}).failure == "it found nothing");
}

BOOST_AUTO_TEST_CASE(what_is_no_finding_is_refused) {
  BOOST_CHECK_THROW(decode("hello"), std::exception);
  BOOST_CHECK_THROW(decode("[\"claim\", \"measured\", 4, []]"), std::exception);
  BOOST_CHECK_THROW(decode("[\"claim\"]"), std::exception);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(mmap_facts_probes)

BOOST_AUTO_TEST_CASE(a_ranges_figures_are_its_own) {
  constexpr std::size_t kSize = 4 * kMiB;
  char* zone = make_zone(kSize);
  BOOST_TEST(advise(zone, kSize, MADV_NOHUGEPAGE) == 0);
  fill(zone, kMiB, 1);
  RangeFigures figures = range_figures(zone, kSize);
  BOOST_TEST(figures.vmas == 1);
  BOOST_TEST(figures.mapped == static_cast<std::int64_t>(kSize));
  BOOST_TEST(figures.resident == static_cast<std::int64_t>(kMiB));
  BOOST_TEST(figures.charged == static_cast<std::int64_t>(kSize));
  BOOST_TEST(figures.huge == 0);
  BOOST_TEST(resident_by_mincore(zone, kSize) == static_cast<std::int64_t>(kMiB));
  BOOST_TEST(protect(zone + kMiB, kMiB, PROT_NONE) == 0);
  BOOST_TEST(range_figures(zone, kSize).vmas == 3);
  BOOST_TEST(!faults(zone));
  BOOST_TEST(faults(zone + kMiB));
  BOOST_TEST(unmap(zone, kSize) == 0);
  BOOST_TEST(range_figures(zone, kSize).vmas == 0);
}

BOOST_AUTO_TEST_CASE(a_place_that_is_taken_is_not_mapped_over) {
  char* zone = make_zone(kMiB);
  fill(zone, kMiB, 3);
  BOOST_TEST(map_new_at(zone, kMiB, kReadWrite) != 0);
  BOOST_TEST(all_bytes_are(zone, kMiB, 3));
  unmap(zone, kMiB);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(mmap_facts)

BOOST_AUTO_TEST_CASE(help_names_every_option_and_list_every_fact) {
  const Ran help = run("--help");
  BOOST_TEST(help.code == 0);
  for (const char* option : {"--only", "--try-thp-modes", "--json", "--list", "--help"}) {
    BOOST_TEST(contains(help.output, option));
  }
  const Ran list = run("--list");
  BOOST_TEST(list.code == 0);
  for (const Fact& fact : catalogue()) BOOST_TEST(contains(list.output, fact.id));
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_ends_with_usage_and_2) {
  check_usage_error("--frobnicate", "--frobnicate");
  check_usage_error("stray", "stray");
  check_usage_error("--only nothing_known", "nothing_known");
  check_usage_error("--only munmap,nothing_known", "nothing_known");
  check_usage_error("--only", "--only");
  check_usage_error("--json /proc/no/file", "--json");
}

BOOST_AUTO_TEST_CASE(only_what_was_asked_for_is_run_and_in_the_tables_order) {
  const TempDirectory directory;
  const std::string path = (directory.path() / "out" / "facts.json").string();
  const Ran ran = run("--only vma_advice,munmap --only locked --json '" + path + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const auto json = nlohmann::json::parse(read_file(path));
  BOOST_TEST_REQUIRE(json["facts"].size() == 3u);
  BOOST_TEST(json["facts"][0]["id"] == "munmap");
  BOOST_TEST(json["facts"][1]["id"] == "locked");
  BOOST_TEST(json["facts"][2]["id"] == "vma_advice");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_written_ends_with_1) {
  const Ran ran = run("--only munmap --json /dev/full");
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(contains(ran.output, "could not be written"));
}

BOOST_AUTO_TEST_CASE(all_children_end_well_and_what_the_heap_relies_on_holds) {
  const TempDirectory directory;
  const std::string path = (directory.path() / "facts.json").string();
  const Ran ran = run("--json '" + path + "'");
  BOOST_TEST_CONTEXT(ran.output) {
    const auto json = nlohmann::json::parse(read_file(path));
    BOOST_TEST(json["schema"] == "acre.mmap_facts/1");
    BOOST_TEST(json["machine"]["kernel"] != "");
    BOOST_TEST(ran.code == (json["good"] == true ? 0 : 1));
    BOOST_TEST(json["facts"].size() == catalogue().size());
    int holding = 0;
    for (const auto& fact : json["facts"]) {
      BOOST_TEST(fact["failure"] == "");
      BOOST_TEST(!fact["findings"].empty());
      for (const auto& finding : fact["findings"]) {
        BOOST_TEST(finding["claim"] != "");
        holding += finding["verdict"] == "holds" ? 1 : 0;
        if (fact["heap_relies"] == true) BOOST_TEST(finding["verdict"] != "does not hold", finding);
      }
    }
    BOOST_TEST(json["counts"]["hold"] == holding);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
