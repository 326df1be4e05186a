// The arithmetic of the comparison, from literal figures: medians, rounds that fit, answers, targets, and
// how they are shown.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/compare/driver/json.h"
#include "bench/compare/driver/page.h"
#include "bench/compare/driver/schedule.h"
#include "bench/compare/driver/statistics.h"
#include "bench/compare/driver/table.h"
#include "test/bench/command.h"

namespace acre::bench {
namespace {

constexpr const char* kAnswer = "0123456789abcdef";
constexpr std::uint64_t kMega = 1000000;

Run good_run(double seconds, std::uint64_t peak = 100 * kMega,
             const std::string& answer = kAnswer) {
  Run run;
  run.figures = {answer, seconds, seconds, 0, 50 * kMega, 7};
  run.peak_rss = peak;
  return run;
}

Result result(const char* workload, const char* system, double seconds,
              std::uint64_t peak = 100 * kMega) {
  return summarize(workload, system, "v", {good_run(seconds, peak)});
}

const Target& target(const std::vector<Target>& targets, const std::string& workload,
                     const std::string& what) {
  const auto at = std::find_if(targets.begin(), targets.end(), [&](const Target& t) {
    return t.workload == workload && t.what == what;
  });
  BOOST_REQUIRE_MESSAGE(at != targets.end(), workload << ": " << what);
  return *at;
}

void check_rejected(const std::string& output, const std::string& reason) {
  std::string problem;
  BOOST_TEST(!parse_measurement(output, problem), output);
  BOOST_TEST(contains(problem, reason), problem);
}

Comparison made_comparison() {
  Comparison made;
  made.settings.workloads = {"mt_alloc_1", "mt_alloc_2", "frag"};
  made.settings.systems = {"acre", "go", "boehm"};
  made.reference = "acre";
  for (const std::string& name : made.settings.systems) {
    Program program;
    program.system = find_system(name);
    program.presence = Presence::kPresent;
    made.programs.push_back(program);
  }
  made.programs[2].presence = Presence::kMissing;
  made.programs[2].reason = "</script><b>";
  made.results = {result("mt_alloc_1", "acre", 2), result("mt_alloc_1", "go", 4),
                  result("mt_alloc_2", "acre", 2.5), result("mt_alloc_2", "go", 4),
                  result("frag", "acre", 1, 60 * kMega)};
  Run crashed;
  crashed.failure = "killed by signal 11 (<&>)";
  made.results.push_back(summarize("frag", "go", "v", {crashed}));
  made.targets = judge_targets(made.results, made.settings.workloads, false);
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compare_figures)

BOOST_AUTO_TEST_CASE(the_median_is_the_middle_one_or_the_mean_of_two) {
  BOOST_TEST(median({}) == 0);
  BOOST_TEST(median({3}) == 3);
  BOOST_TEST(median({9, 1, 5}) == 5);
  BOOST_TEST(median({4, 1, 2, 100}) == 3);
}

BOOST_AUTO_TEST_CASE(the_spread_is_the_range_over_the_median) {
  BOOST_TEST(spread({}) == 0);
  BOOST_TEST(spread({3}) == 0);
  BOOST_TEST(spread({4, 5, 6}) == 0.4);
  BOOST_TEST(spread({0, 0}) == 0);
}

BOOST_AUTO_TEST_CASE(each_round_runs_all_and_starts_elsewhere) {
  for (const std::size_t count : {1U, 2U, 3U, 11U}) {
    std::vector<std::size_t> starts;
    for (unsigned round = 0; round < 3; ++round) {
      std::vector<std::size_t> order = order_of(count, round, 3);
      starts.push_back(order.front());
      std::sort(order.begin(), order.end());
      for (std::size_t i = 0; i < count; ++i) BOOST_TEST(order[i] == i);
      BOOST_TEST(order.size() == count);
    }
    if (count >= 3) BOOST_TEST((starts[0] != starts[1] && starts[1] != starts[2]));
  }
  BOOST_TEST(order_of(0, 2, 3).empty());
}

BOOST_AUTO_TEST_CASE(all_rounds_are_run_when_they_fit) {
  std::vector<Pending> pending = {{10, 2}, {1, 2}};
  fit_rounds(22, pending);
  BOOST_TEST(pending[0].rounds == 2u);
  BOOST_TEST(pending[1].rounds == 2u);
}

BOOST_AUTO_TEST_CASE(what_costs_most_loses_rounds_first) {
  std::vector<Pending> pending = {{1, 2}, {10, 2}, {6, 2}};
  fit_rounds(25, pending);  // 34 are wanted: 10 go, and 24 fit
  BOOST_TEST(pending[0].rounds == 2u);
  BOOST_TEST(pending[1].rounds == 1u);
  BOOST_TEST(pending[2].rounds == 2u);
  fit_rounds(13, pending);  // of 24: first one of 6 twice (12), then 18 > 13, and 10 goes
  BOOST_TEST(pending[0].rounds == 2u);
  BOOST_TEST(pending[1].rounds == 0u);
  BOOST_TEST(pending[2].rounds == 1u);
}

BOOST_AUTO_TEST_CASE(no_time_leaves_no_rounds) {
  std::vector<Pending> pending = {{1, 2}, {0, 2}};
  fit_rounds(-5, pending);
  BOOST_TEST(pending[0].rounds == 0u);
  std::vector<Pending> none;
  fit_rounds(-5, none);
  BOOST_TEST(none.empty());
}

BOOST_AUTO_TEST_CASE(a_result_is_read) {
  std::string problem;
  const auto read = parse_measurement(
      R"({"answer":"0123456789abcdef","seconds":1.5,"cpu_seconds":2,"setup_seconds":0,)"
      R"("live_bytes":12,"collections":3})"
      "\n",
      problem);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->answer == kAnswer);
  BOOST_TEST(read->seconds == 1.5);
  BOOST_TEST(read->cpu_seconds == 2);
  BOOST_TEST(read->live_bytes == 12u);
  BOOST_TEST(read->collections == 3u);
  BOOST_TEST(read->phases.empty());
}

BOOST_AUTO_TEST_CASE(phases_are_read_and_their_medians_taken) {
  std::string problem;
  const auto read = parse_measurement(
      R"({"answer":"0123456789abcdef","seconds":1.5,"cpu_seconds":2,"setup_seconds":0,)"
      R"("live_bytes":12,"collections":3,)"
      R"("phases":[{"name":"create","ns":100.5},{"name":"switch","ns":20}]})",
      problem);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST_REQUIRE(read->phases.size() == 2u);
  BOOST_TEST(read->phases[0].name == "create");
  BOOST_TEST(read->phases[0].nanoseconds == 100.5);
  std::vector<Run> runs(3, good_run(1));
  for (std::size_t i = 0; i < 3; ++i) runs[i].figures.phases = read->phases;
  runs[1].figures.phases[1].nanoseconds = 30;
  runs[2].figures.phases[1].nanoseconds = 40;
  const Result result = summarize("fibers", "acre", "v", runs);
  BOOST_TEST(result.phase_ns("switch") == 30);
  BOOST_TEST(result.phase_ns("create") == 100.5);
  BOOST_TEST(result.phase_ns("finish") == 0);
}

BOOST_AUTO_TEST_CASE(what_is_no_result_is_rejected_with_the_reason) {
  const std::string rest = R"("cpu_seconds":2,"setup_seconds":0,"live_bytes":12,"collections":3})";
  const std::string answer = R"({"answer":"0123456789abcdef",)";
  check_rejected("", "nothing");
  check_rejected("hello\n", "not a JSON object");
  check_rejected("[1]\n", "not a JSON object");
  check_rejected(answer + R"("seconds":1,)" + rest + "\nmore\n", "more than one line");
  check_rejected(answer + rest, "no \"seconds\"");
  check_rejected(answer + R"("seconds":"1",)" + rest, "\"seconds\" is no time");
  check_rejected(answer + R"("seconds":-1,)" + rest, "\"seconds\" is no time");
  check_rejected(answer + R"("seconds":0,)" + rest, "\"seconds\" is 0");
  check_rejected(R"({"answer":"0123456789ABCDEF","seconds":1,)" + rest, "16 hex digits");
  check_rejected(R"({"answer":"0123","seconds":1,)" + rest, "16 hex digits");
  check_rejected(R"({"answer":5,"seconds":1,)" + rest, "16 hex digits");
  check_rejected(answer + R"("seconds":1,"cpu_seconds":1,"setup_seconds":0,"live_bytes":-1,)" +
                     R"("collections":0})",
                 "\"live_bytes\" is no count");
  const std::string good = answer + R"("seconds":1,"cpu_seconds":1,"setup_seconds":0,)" +
                           R"("live_bytes":1,"collections":0,"phases":[)";
  check_rejected(good + "1]}", "a phase has no name");
  check_rejected(good + R"({"name":1,"ns":1}]})", "a phase has no name");
  check_rejected(good + R"({"name":"create","ns":-1}]})", "\"ns\" is no time");
}

BOOST_AUTO_TEST_CASE(rounds_become_medians_and_the_largest_peak) {
  const Result summed =
      summarize("frag", "go", "v", {good_run(3, 10), good_run(1, 30), good_run(2, 20)});
  BOOST_TEST(summed.ok);
  BOOST_TEST(summed.seconds == 2);
  BOOST_TEST(summed.spread == 1);
  BOOST_TEST(summed.peak_rss == 30u);
  BOOST_TEST(summed.collections == 7u);
  BOOST_TEST(summed.seconds_all == (std::vector<double>{3, 1, 2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_failed_round_or_another_answer_fails_the_result) {
  Run crashed;
  crashed.failure = "exit code 3";
  const Result failed = summarize("frag", "go", "v", {good_run(1), crashed});
  BOOST_TEST(!failed.ok);
  BOOST_TEST(failed.failure == "round 2: exit code 3");
  BOOST_TEST(failed.seconds_all.size() == 1u);
  const Result changed =
      summarize("frag", "go", "v", {good_run(1), good_run(1, 1, "ffffffffffffffff")});
  BOOST_TEST(!changed.ok);
  BOOST_TEST(contains(changed.failure, "ffffffffffffffff"));
}

BOOST_AUTO_TEST_CASE(the_answer_of_most_is_expected) {
  Result a = summarize("frag", "acre", "v", {good_run(1, 1, "ffffffffffffffff")});
  Result b = result("frag", "go", 1);
  Result c = result("frag", "boehm", 1);
  std::vector<Result*> all = {&a, &b, &c};
  compare_answers(all);
  BOOST_TEST(!a.ok);
  BOOST_TEST(contains(a.failure, "wrong answer ffffffffffffffff: go has 0123456789abcdef"));
  BOOST_TEST((b.ok && c.ok));
}

BOOST_AUTO_TEST_CASE(of_two_answers_the_first_is_expected) {
  Result a = result("frag", "acre", 1);
  Result b = summarize("frag", "go", "v", {good_run(1, 1, "ffffffffffffffff")});
  std::vector<Result*> all = {&a, &b};
  compare_answers(all);
  BOOST_TEST(a.ok);
  BOOST_TEST(!b.ok);
}

BOOST_AUTO_TEST_CASE(a_target_holds_at_its_bound_and_not_below) {
  std::vector<Result> results = {result("binary_trees", "acre", 1), result("binary_trees", "go", 5),
                                 result("binary_trees", "boehm", 2.99)};
  const auto targets = judge_targets(results, {"binary_trees"}, false);
  const Target& go = target(targets, "binary_trees", "time of go / acre");
  BOOST_TEST(go.value == 5);
  BOOST_TEST(go.bound_text() == ">= 5");
  BOOST_TEST(go.verdict_text() == "holds");
  BOOST_TEST(target(targets, "binary_trees", "time of boehm / acre").verdict_text() ==
             "does not hold");
  BOOST_TEST(target(targets, "binary_trees", "time of jemalloc / acre").verdict_text() ==
             "not measured");
  for (const Target& each : targets) BOOST_TEST(each.workload == "binary_trees");
}

BOOST_AUTO_TEST_CASE(peaks_and_raw_times_are_judged_the_other_way_round) {
  std::vector<Result> results = {result("grow", "acre", 1.3, 52 * kMega), result("grow", "raw", 1),
                                 result("frag", "acre", 1, 110 * kMega),
                                 result("frag", "go", 1, 100 * kMega)};
  const auto targets = judge_targets(results, {"grow", "frag"}, false);
  BOOST_TEST(target(targets, "grow", "time of acre / raw").verdict_text() == "holds");
  const Target& live = target(targets, "grow", "peak resident / live of acre");
  BOOST_TEST(live.value == 1.04, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(live.verdict_text() == "holds");
  const Target& frag = target(targets, "frag", "peak resident / live of acre / go");
  BOOST_TEST(frag.value == 1.1, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(frag.verdict_text() == "does not hold");
}

BOOST_AUTO_TEST_CASE(scaling_is_twice_the_time_of_one_over_that_of_two) {
  std::vector<Result> results = {result("mt_alloc_1", "acre", 1.9), result("mt_alloc_2", "acre", 2),
                                 result("mt_alloc_1", "go", 1)};
  BOOST_TEST(scaling(results, "acre") == 1.9);
  BOOST_TEST(scaling(results, "go") == 0);
  const auto targets = judge_targets(results, {"mt_alloc_2"}, false);
  BOOST_TEST(
      target(targets, "mt_alloc_2", "2 x time of mt_alloc_1 / mt_alloc_2 of acre").verdict_text() ==
      "holds");
}

BOOST_AUTO_TEST_CASE(a_failed_result_and_quick_sizes_judge_nothing) {
  std::vector<Result> results = {result("large", "acre", 1), result("large", "go", 2)};
  BOOST_TEST(judge_targets(results, {"large"}, true).front().value == 2);
  BOOST_TEST(judge_targets(results, {"large"}, true).front().verdict_text() == "not measured");
  results[1].ok = false;
  BOOST_TEST(judge_targets(results, {"large"}, false).front().verdict_text() == "not measured");
}

BOOST_AUTO_TEST_CASE(every_workload_has_a_target_and_every_target_a_workload) {
  std::vector<std::string> all;
  for (const Workload& workload : all_workloads()) all.emplace_back(workload.name);
  const auto targets = judge_targets({}, all, false);
  for (const std::string& name : all) {
    BOOST_TEST(std::any_of(targets.begin(), targets.end(),
                           [&](const Target& t) { return t.workload == name; }),
               name);
  }
  BOOST_TEST(targets.size() == 53u);
}

BOOST_AUTO_TEST_CASE(mallocs_do_not_collect_and_raw_only_grows) {
  const auto runs = [](const char* workload, const char* system) {
    return runs_on(*find_workload(workload), *find_system(system));
  };
  BOOST_TEST(!runs("graph", "jemalloc"));
  BOOST_TEST(runs("graph", "boehm"));
  BOOST_TEST(runs("graph", "acre_1mark"));
  BOOST_TEST(!runs("churn", "acre_1mark"));
  BOOST_TEST(runs("churn", "glibc"));
  BOOST_TEST(runs("grow", "raw_huge"));
  BOOST_TEST(!runs("frag", "raw"));
  BOOST_TEST(runs("fibers", "acre_c"));
  BOOST_TEST(runs("fibers", "boost"));
  BOOST_TEST(!runs("fibers", "boehm"));
  BOOST_TEST(!runs("fibers", "glibc"));
  BOOST_TEST(!runs("churn", "boost"));
  BOOST_TEST(runs("lua_json", "acre"));
  BOOST_TEST(runs("lua_json", "mimalloc"));
  BOOST_TEST(!runs("lua_json", "boehm"));
  BOOST_TEST(!runs("lua_json", "acre_1mark"));
}

BOOST_AUTO_TEST_CASE(the_table_has_ratios_scaling_targets_and_failures) {
  const std::string text = table_text(made_comparison());
  BOOST_TEST(contains(text, "2.00 s"));
  BOOST_TEST(contains(text, "x acre"));
  BOOST_TEST(contains(text, "peak/live"));
  BOOST_TEST(contains(text, "1.20"));  // 60 MB of 50 MB live
  BOOST_TEST(contains(text, "1.60"));  // 2 * 2 / 2.5
  BOOST_TEST(contains(text, "FAILED: killed by signal 11"));
  BOOST_TEST(contains(text, "failures\n  frag by go: killed"));
  BOOST_TEST(contains(text, "does not hold"));
}

BOOST_AUTO_TEST_CASE(the_json_has_the_keys_that_the_readme_names) {
  const auto json = nlohmann::json::parse(to_json(made_comparison()));
  BOOST_TEST(json["schema"] == "acre.bench/1");
  for (const char* key : {"machine", "settings", "wall_seconds", "left_out", "results", "scaling",
                          "targets", "notes"}) {
    BOOST_TEST(json.contains(key), key);
  }
  BOOST_TEST_REQUIRE(json["results"].size() == 6u);
  const auto& first = json["results"][0];
  for (const char* key : {"workload", "system", "version", "seconds", "seconds_all", "spread",
                          "cpu_seconds", "setup_seconds", "peak_rss", "live_bytes", "collections",
                          "rounds", "answer", "ok", "failure", "phases"}) {
    BOOST_TEST(first.contains(key), key);
  }
  BOOST_TEST(first["seconds"] == 2.0);
  BOOST_TEST(first["rounds"] == 1);
  BOOST_TEST(json["results"][5]["ok"] == false);
  BOOST_TEST(json["left_out"][0]["system"] == "boehm");
  BOOST_TEST(json["scaling"][0]["value"] == 1.6);
  for (const auto& each : json["targets"]) {
    for (const char* key :
         {"workload", "what", "value", "target", "bound", "at_least", "verdict"}) {
      BOOST_TEST(each.contains(key), key);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_page_stands_alone_and_names_cannot_become_markup) {
  const std::string page = to_page(made_comparison());
  for (const char* outside : {"http:", "https:", "@import", "url(", "src=", "<link", "<script"}) {
    BOOST_TEST(!contains(page, outside), outside);
  }
  BOOST_TEST(!contains(page, "</script><b>"));
  BOOST_TEST(contains(page, "&lt;/script&gt;&lt;b&gt;"));
  BOOST_TEST(contains(page, "(&lt;&amp;&gt;)"));
  BOOST_TEST(contains(page, "<h2>mt_alloc_2</h2>"));
  BOOST_TEST(!contains(page, "nan"));
}

BOOST_AUTO_TEST_CASE(the_reference_is_acre_or_the_first_that_is_there) {
  Comparison made = made_comparison();
  std::swap(made.programs[0], made.programs[1]);
  BOOST_TEST(reference_of(made.programs) == "acre");
  made.programs[1].presence = Presence::kMissing;
  BOOST_TEST(reference_of(made.programs) == "go");
  BOOST_TEST(reference_of({}).empty());
}

BOOST_AUTO_TEST_CASE(systems_left_out_for_one_reason_are_one_line) {
  Comparison made = made_comparison();
  for (Program& program : made.programs) {
    program.presence = Presence::kBroken;
    program.reason = "why";
  }
  const auto groups = left_out(made.programs);
  BOOST_TEST_REQUIRE(groups.size() == 1u);
  BOOST_TEST(groups[0].systems == "acre, go, boehm");
  BOOST_TEST(made.failures().front() == "acre, go, boehm: why");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
