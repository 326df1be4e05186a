// The parts that make figures readable, from literal figures.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "bench/growth/chart.h"
#include "bench/growth/checks.h"
#include "bench/growth/html.h"
#include "bench/growth/json.h"
#include "bench/growth/scale.h"
#include "bench/growth/table.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

WorkloadResult result_with(std::vector<Sample> samples) {
  WorkloadResult result;
  result.name = "made";
  result.samples = std::move(samples);
  const char* const names[] = {"grow", "steady", "drop half", "collect", "release"};
  double start = 0;
  for (const char* name : names) {
    PhaseFigures phase;
    phase.name = name;
    phase.start = start;
    phase.seconds = 0.5;
    phase.reserved = 512 * kGiB;
    start += 0.6;
    result.phases.push_back(phase);
  }
  return result;
}

// 4 GiB grown, 64 MiB kept, watched for `waited`.
WorkloadResult idle_result(bool met, double waited) {
  WorkloadResult result;
  result.course = Course::kIdle;
  result.name = "made, idle";
  double start = 0;
  for (const char* name :
       {"grow", "drop", "collect", "idle", kGrowAgain, "drop again", kReleaseAtOnce}) {
    PhaseFigures phase;
    phase.name = name;
    phase.start = start;
    phase.seconds = 0.5;
    phase.live = phase.name.starts_with("grow") ? 4 * kGiB : 64 * kMiB;
    phase.resident = static_cast<std::int64_t>(phase.live);
    start += 0.6;
    result.phases.push_back(phase);
  }
  result.idle = IdleFigures{.live = 64 * kMiB,
                            .bound = idle_bound(64 * kMiB),
                            .met = met,
                            .seconds = waited,
                            .processor_seconds = waited / 100,
                            .resident_start = static_cast<std::int64_t>(4 * kGiB),
                            .resident_end = static_cast<std::int64_t>((met ? 100 : 310) * kMiB)};
  return result;
}

// The one whose name has `part`.
Check check_of(const WorkloadResult& result, const std::string& part) {
  for (const Check& check : make_checks({}, {}, {result})) {
    if (check.what.find(part) != std::string::npos) return check;
  }
  BOOST_FAIL("no check of " << part);
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(output)

BOOST_AUTO_TEST_CASE(sizes_have_three_digits_and_a_letter) {
  BOOST_TEST(short_bytes(0) == "0");
  BOOST_TEST(short_bytes(999) == "999");
  BOOST_TEST(short_bytes(1000) == "0.98K");
  BOOST_TEST(short_bytes(1536) == "1.50K");
  BOOST_TEST(short_bytes(static_cast<double>(512 * kGiB)) == "512G");
  BOOST_TEST(short_bytes(-2048) == "-2.00K");
  BOOST_TEST(long_bytes(static_cast<double>(310 * kMiB)) == "310 MiB");
}

BOOST_AUTO_TEST_CASE(times_have_their_unit) {
  BOOST_TEST(short_time(0) == "0");
  BOOST_TEST(short_time(1.234e-7) == "123 ns");
  BOOST_TEST(short_time(4.56e-3) == "4.56 ms");
  BOOST_TEST(short_time(0.9999) == "1.00 s");
  BOOST_TEST(short_time(61) == "61.0 s");
}

BOOST_AUTO_TEST_CASE(what_is_no_number_is_a_dash) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(short_bytes(nan) == "-");
  BOOST_TEST(short_time(std::numeric_limits<double>::infinity()) == "-");
  BOOST_TEST(short_number(nan) == "-");
  BOOST_TEST(ratio(1, 0) == 0);
}

BOOST_AUTO_TEST_CASE(numbers_are_grouped_by_three) {
  BOOST_TEST(grouped(0) == "0");
  BOOST_TEST(grouped(999) == "999");
  BOOST_TEST(grouped(1000) == "1,000");
  BOOST_TEST(grouped(1234567) == "1,234,567");
}

BOOST_AUTO_TEST_CASE(a_byte_axis_ends_at_a_round_number_above_the_data) {
  const Axis axis = byte_axis(2.3 * static_cast<double>(kGiB), 5);
  BOOST_TEST(axis.top == 2.5 * static_cast<double>(kGiB));
  BOOST_TEST(axis.marks.front().label == "0");
  BOOST_TEST(axis.marks.back().label == "2.5 GiB");
  BOOST_TEST(byte_axis(0, 5).top > 0);
}

BOOST_AUTO_TEST_CASE(a_time_axis_ends_with_the_data) {
  const Axis axis = time_axis(15.3, 10);
  BOOST_TEST(axis.top == 15.3);
  BOOST_TEST(axis.marks.back().label == "14 s");
  BOOST_TEST(time_axis(0, 10).top > 0);
}

BOOST_AUTO_TEST_CASE(a_chart_needs_two_samples) {
  BOOST_TEST(draw_chart(result_with({}), kWideChart).empty());
  BOOST_TEST(draw_chart(result_with({Sample{}}), kWideChart).empty());
  BOOST_TEST(!draw_chart(result_with({Sample{}, Sample{}}), kNarrowChart).empty());
}

BOOST_AUTO_TEST_CASE(a_chart_names_every_phase_and_the_reservation) {
  Sample last{};
  last.seconds = 3;
  last.resident = 2 * kGiB;
  const std::string svg = draw_chart(result_with({Sample{}, last}), kWideChart);
  for (const char* name : {"grow", "steady", "drop half", "collect", "release"}) {
    BOOST_TEST(contains(svg, std::string(">") + name + "</text>"));
  }
  BOOST_TEST(contains(svg, "reserved 512 GiB"));
  BOOST_TEST(!contains(svg, "nan"));
  BOOST_TEST(!contains(svg, "inf"));
}

BOOST_AUTO_TEST_CASE(names_from_outside_cannot_become_markup) {
  Outcome outcome;
  outcome.settings.directory = "</script><b>\xff";
  WorkloadResult result = result_with({Sample{}, Sample{}});
  result.findings.facts.emplace_back("directory", outcome.settings.directory);
  result.phases.front().name = "</script>";
  outcome.workloads.push_back(result);
  const std::string html = to_html(outcome);
  BOOST_TEST(!contains(html, "</script><b>"));
  BOOST_TEST(contains(html, "&lt;/script&gt;&lt;b&gt;"));
  BOOST_TEST(contains(html, "\"\\u003c/script>\""));
  BOOST_TEST(!to_json(outcome).empty());  // the byte that is no UTF-8 does not throw
}

BOOST_AUTO_TEST_CASE(a_failed_workload_is_shown_without_figures) {
  Outcome outcome;
  WorkloadResult result;
  result.name = "small";
  result.failure = "out of memory";
  outcome.workloads.push_back(result);
  BOOST_TEST(contains(to_html(outcome), "Stopped: out of memory"));
  BOOST_TEST(contains(to_json(outcome), "\"completed\": false"));
}

BOOST_AUTO_TEST_CASE(an_idle_heap_is_judged_by_a_minute) {
  const auto verdict = [](bool met, double waited) {
    return check_of(idle_result(met, waited), "by itself").verdict;
  };
  BOOST_TEST((verdict(true, 59) == Check::Verdict::kHolds));
  BOOST_TEST((verdict(true, 61) == Check::Verdict::kDoesNotHold));
  BOOST_TEST((verdict(false, 60) == Check::Verdict::kDoesNotHold));
  BOOST_TEST((verdict(false, 15) == Check::Verdict::kNotMeasured));
  BOOST_TEST(check_of(idle_result(false, 60), "by itself").measured ==
             "not met: 310 MiB after 60.0 s");
}

BOOST_AUTO_TEST_CASE(what_grew_less_than_an_idle_heap_may_keep_is_not_judged) {
  WorkloadResult result = idle_result(true, 0);
  for (PhaseFigures& phase : result.phases) phase.live = 64 * kMiB;
  for (const char* what : {"by itself", "at once"}) {
    BOOST_TEST((check_of(result, what).verdict == Check::Verdict::kNotMeasured));
  }
}

BOOST_AUTO_TEST_CASE(releasing_at_once_has_a_second_for_4_gib_and_the_bound) {
  WorkloadResult result = idle_result(true, 1);
  PhaseFigures& release = result.phases.back();
  const auto verdict = [&] { return check_of(result, "at once").verdict; };
  release.seconds = 0.99;
  BOOST_TEST((verdict() == Check::Verdict::kHolds));
  release.seconds = 1.01;
  BOOST_TEST((verdict() == Check::Verdict::kDoesNotHold));
  result.phases[4].live = 8 * kGiB;
  BOOST_TEST((verdict() == Check::Verdict::kHolds));
  release.resident = static_cast<std::int64_t>(109 * kMiB);  // 1.2 x 64 + 32 = 108.8
  BOOST_TEST((verdict() == Check::Verdict::kDoesNotHold));
}

BOOST_AUTO_TEST_CASE(a_phase_that_did_not_run_or_end_is_not_judged) {
  const auto idle_checks = [](const WorkloadResult& result) {
    return make_checks({}, {}, {result}).size() - make_checks({}, {}, {}).size();
  };
  WorkloadResult result = idle_result(true, 1);
  BOOST_TEST(idle_checks(result) == 2u);
  result.phases.back().completed = false;
  BOOST_TEST(idle_checks(result) == 1u);
  result.idle.reset();
  BOOST_TEST(idle_checks(result) == 0u);
}

BOOST_AUTO_TEST_CASE(the_page_and_the_json_have_the_idle_heap) {
  Outcome outcome;
  WorkloadResult result = idle_result(false, 60);
  result.samples = {Sample{}, Sample{}};
  result.samples.back().seconds = 5;
  outcome.workloads.push_back(result);
  const std::string html = to_html(outcome);
  for (const PhaseFigures& phase : result.phases) {
    BOOST_TEST(contains(html, ">" + phase.name + "</text>"));
  }
  BOOST_TEST(
      contains(html, "310 MiB</b><span>resident after 60.0 s idle, and not at most 109 MiB"));
  BOOST_TEST(!contains(html, "band b5"));  // the page has five colours
  BOOST_TEST(!contains(html, "What was in it"));
  const std::string json = to_json(outcome);
  BOOST_TEST(contains(json, "\"met\": false"));
  BOOST_TEST(contains(json, "\"processor_share\": 0.01"));
}

BOOST_AUTO_TEST_CASE(every_column_has_a_heading_and_a_help) {
  for (std::size_t i = 0; i < kColumns; ++i) {
    BOOST_TEST(!table_heading()[0][i].empty());
    BOOST_TEST(!column_help()[i].empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
