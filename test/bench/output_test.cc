// The parts that make figures readable, from literal figures.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "bench/growth/chart.h"
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

BOOST_AUTO_TEST_CASE(every_column_has_a_heading_and_a_help) {
  for (std::size_t i = 0; i < kColumns; ++i) {
    BOOST_TEST(!table_heading()[0][i].empty());
    BOOST_TEST(!column_help()[i].empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
