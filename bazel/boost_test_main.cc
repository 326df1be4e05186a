// The main() of every test program.
//
// Besides running the suites it writes one line for each finished test case to the file that
// Bazel names in XML_OUTPUT_FILE, at once: when a later case kills the process, the count of
// those that ran before is still there (Boost's own JUnit log is only written at the end).

#define BOOST_TEST_NO_MAIN
#define BOOST_TEST_ALTERNATIVE_INIT_API
#include <boost/test/results_collector.hpp>
#include <boost/test/tree/observer.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

namespace ut = boost::unit_test;

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

class CaseLog : public ut::test_observer {
 public:
  explicit CaseLog(const char* path) : file_(std::fopen(path, "we")) {
    put("<?xml version=\"1.0\"?>\n<testsuites><testsuite name=\"boost\">\n");
  }

  void test_unit_finish(const ut::test_unit& unit, unsigned long microseconds) override {
    if (unit.p_type != ut::TUT_CASE) return;
    const auto& result = ut::results_collector.results(unit.p_id);
    const char* verdict = result.p_skipped ? "<skipped/>" : result.passed() ? "" : "<failure/>";
    const std::string seconds = std::to_string(static_cast<double>(microseconds) / 1e6);
    put("<testcase name=\"" + escaped(unit.full_name()) + "\" time=\"" + seconds + "\">" + verdict +
        "</testcase>\n");
  }

  // After the results collector (3), whose verdict is read above.
  int priority() override { return 10; }

  void test_finish() override { put("</testsuite></testsuites>\n"); }

 private:
  void put(const std::string& text) {
    if (file_ == nullptr) return;
    std::fputs(text.c_str(), file_);
    std::fflush(file_);
  }

  std::FILE* file_;
};

bool init() {
  if (const char* path = std::getenv("XML_OUTPUT_FILE")) {
    static CaseLog log(path);
    ut::framework::register_observer(log);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  // Boost's signal handlers jump out of the fault and go on: in a forked child that would run
  // the rest of the suite a second time, and it would hide our own and the sanitizers' reports.
  setenv("BOOST_TEST_CATCH_SYSTEM_ERRORS", "no", 0);
  setenv("BOOST_TEST_LOG_LEVEL", "test_suite", 0);
  if (const char* filter = std::getenv("TESTBRIDGE_TEST_ONLY")) {
    setenv("BOOST_TEST_RUN_FILTERS", filter, 0);  // bazel test --test_filter=suite/case
  }
  return ut::unit_test_main(&init, argc, argv);
}
