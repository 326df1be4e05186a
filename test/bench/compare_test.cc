// The comparison as a person runs it, with made-up programs in the places of the real ones.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "test/bench/command.h"
#include "test/bench/source_tree.h"

namespace acre::bench {
namespace {

namespace fs = std::filesystem;

// A folder with native programs that answer at once; what each does with a workload may be replaced.
class Programs {
 public:
  Programs() {
    for (const char* name : {"acre_cc", "acre_c", "boehm", "malloc"}) write(name, result("1"));
  }

  static std::string result(const std::string& seconds,
                            const std::string& answer = "0123456789abcdef") {
    return R"(echo '{"answer":")" + answer + R"(","seconds":)" + seconds +
           R"(,"cpu_seconds":1,"setup_seconds":0,"live_bytes":1000,"collections":3}')";
  }

  void write(const std::string& name, const std::string& body) const {
    script("native/" + name, "[ \"$1\" != --version ] || { echo made 1; exit; }\n" + body);
  }

  void script(const std::string& name, const std::string& body) const {
    directory_.write(name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(directory_.path() / name, fs::perms::owner_all);
  }

  void file(const std::string& name, const std::string& content) const {
    directory_.write(name, content);
  }

  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }

  // COMPARE: where the program is, if the test does not run under Bazel.
  Ran run(const std::string& arguments, const std::string& environment = "") const {
    return run_program("COMPARE", "bench/compare/compare",
                       "--native-dir '" + path("native") + "' --source-dir '" + path("source") +
                           "' --work-dir '" + path("work") + "' --json '" + path("r.json") + "' " +
                           arguments,
                       environment);
  }

  nlohmann::json json() const { return nlohmann::json::parse(read_file(path("r.json"))); }

 private:
  TempDirectory directory_;
};

void check_usage_error(const std::string& arguments, const std::string& reason) {
  const Ran ran = run_program("COMPARE", "bench/compare/compare", arguments);
  BOOST_TEST_CONTEXT(arguments << " printed\n" << ran.output) {
    BOOST_TEST(ran.code == 2);
    BOOST_TEST(contains(ran.output, reason));
    BOOST_TEST(contains(ran.output, "Usage:"));
  }
}

void check_failure(const Programs& programs, const std::string& arguments,
                   const std::string& reason) {
  const Ran ran = programs.run("--systems acre,boehm,glibc --only churn " + arguments);
  BOOST_TEST_CONTEXT("it printed\n" << ran.output) {
    BOOST_TEST(ran.code == 1);
    BOOST_TEST(contains(ran.output, "FAILED: " + reason));
    BOOST_TEST(contains(ran.output, "  churn by boehm: " + reason));
  }
  const auto results = programs.json()["results"];
  BOOST_TEST_REQUIRE(results.size() == 3u);
  BOOST_TEST(results[0]["ok"] == true);
  BOOST_TEST(results[1]["ok"] == false);
  BOOST_TEST(results[2]["ok"] == true);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compare)

BOOST_AUTO_TEST_CASE(help_names_every_option_and_is_no_error) {
  const Ran ran = run_program("COMPARE", "bench/compare/compare", "--help");
  BOOST_TEST(ran.code == 0);
  for (const char* option :
       {"--only", "--systems", "--rounds", "--quick", "--budget", "--timeout", "--json", "--html",
        "--list", "--native-dir", "--source-dir", "--work-dir", "--help", "MIMALLOC_SO"}) {
    BOOST_TEST(contains(ran.output, option), option);
  }
}

BOOST_AUTO_TEST_CASE(the_list_names_workloads_and_systems) {
  const Ran ran = run_program("COMPARE", "bench/compare/compare", "--list");
  BOOST_TEST(ran.code == 0);
  for (const char* name :
       {"binary_trees", "gcbench",     "churn",       "strings",         "graph",
        "list",         "grow",        "mt_alloc_1",  "mt_alloc_2",      "larson",
        "large",        "frag",        "acre",        "acre_c",          "acre_1mark",
        "boehm",        "go",          "java_serial", "java_parallel",   "java_g1",
        "glibc",        "mimalloc",    "jemalloc",    "tcmalloc",        "raw",
        "raw_huge",     "fibers",      "boost",       "boost_protected", "go_gosched",
        "lua_trees",    "lua_strings", "lua_tables",  "lua_closures",    "lua_json",
        "lua_nbody"}) {
    BOOST_TEST(contains(ran.output, std::string("  ") + name + " "), name);
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_ends_with_usage_and_2) {
  check_usage_error("--frobnicate", "--frobnicate");
  check_usage_error("stray", "stray");
  check_usage_error("--only chrun", "there is no workload 'chrun'");
  check_usage_error("--systems acre,rust", "there is no system 'rust'");
  check_usage_error("--rounds 0", "--rounds");
  check_usage_error("--rounds 101", "--rounds");
  check_usage_error("--rounds many", "--rounds");
  check_usage_error("--budget 0", "--budget");
  check_usage_error("--budget nan", "--budget");
  check_usage_error("--timeout -1", "--timeout");
  check_usage_error("--json /proc/no/file", "--json");
  check_usage_error("--html /proc/no/file", "--html");
}

BOOST_AUTO_TEST_CASE(all_agree_and_figures_are_those_of_the_programs) {
  const Programs programs;
  programs.write("boehm", Programs::result("2.5"));
  const Ran ran = programs.run("--systems boehm,acre,glibc --only churn,list --html '" +
                               programs.path("p.html") + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const auto json = programs.json();
  BOOST_TEST(json["settings"]["reference"] == "acre");
  BOOST_TEST_REQUIRE(json["results"].size() == 5u);  // glibc has no list
  const auto& boehm = json["results"][0];
  BOOST_TEST(boehm["system"] == "boehm");
  BOOST_TEST(boehm["version"] == "made 1");
  BOOST_TEST(boehm["seconds"] == 2.5);
  BOOST_TEST(boehm["rounds"] == 3);
  BOOST_TEST(boehm["peak_rss"].get<double>() > 100e3);
  BOOST_TEST(contains(ran.output, "time of boehm / acre"));
  BOOST_TEST(contains(ran.output, "2.50  >= 2     holds"), ran.output);
  BOOST_TEST(contains(read_file(programs.path("p.html")), "<h2>churn</h2>"));
}

BOOST_AUTO_TEST_CASE(without_acre_ratios_are_to_the_first) {
  const Programs programs;
  const Ran ran = programs.run("--systems glibc,boehm --only churn --rounds 1");
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(contains(ran.output, "ratios are to glibc"));
  BOOST_TEST(contains(ran.output, "x glibc"));
}

BOOST_AUTO_TEST_CASE(quick_is_passed_on_and_runs_once) {
  const Programs programs;
  programs.write("acre_cc", "[ \"$*\" = 'churn --quick' ] || exit 9\n" + Programs::result("1"));
  const Ran ran = programs.run("--systems acre --only churn --quick");
  BOOST_TEST(ran.code == 0, ran.output);
  BOOST_TEST(programs.json()["results"][0]["rounds"] == 1);
  BOOST_TEST(programs.json()["settings"]["quick"] == true);
}

BOOST_AUTO_TEST_CASE(raw_and_one_marker_start_as_they_should) {
  const Programs programs;
  programs.write("malloc", "case $1 in grow_raw | grow_raw_huge) ;; *) exit 9 ;; esac\n" +
                               Programs::result("1"));
  programs.write("acre_cc", "[ \"$1\" = grow ] || [ \"$ACRE_MARK_THREADS\" = 1 ] || exit 9\n" +
                                Programs::result("1"));
  const Ran ran = programs.run("--systems acre_1mark,raw,raw_huge --only graph,grow --rounds 1");
  BOOST_TEST(ran.code == 0, ran.output);
  BOOST_TEST(programs.json()["results"].size() == 3u);
}

BOOST_AUTO_TEST_CASE(fibers_are_told_by_phase_beside_the_systems_that_have_them) {
  const Programs programs;
  const auto answer = [](const std::string& ns) {
    std::string line = Programs::result("1");
    return line.replace(line.rfind('}'), 1,
                        R"(,"phases":[{"name":"create","ns":)" + ns + R"(0},)" +
                            R"({"name":"switch","ns":)" + ns + R"(},)" +
                            R"({"name":"finish","ns":)" + ns + "}]}");
  };
  programs.write("acre_cc", "[ \"$1\" = fibers ] || exit 9\n" + answer("20"));
  programs.write("boost", "case $1 in\nfibers) " + answer("16") + " ;;\nfibers_protected) " +
                              answer("120") + " ;;\n*) exit 9 ;;\nesac");
  const Ran ran = programs.run("--systems acre,boehm,boost,boost_protected --only fibers");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const auto results = programs.json()["results"];
  BOOST_TEST_REQUIRE(results.size() == 3u);
  BOOST_TEST(results[2]["phases"][0]["ns"] == 1200.0);
  BOOST_TEST(contains(ran.output, "switches/s"), ran.output);
  BOOST_TEST(contains(ran.output, "50.0 M"), ran.output);
  BOOST_TEST(contains(ran.output, "1.25  <= 1.25  holds"), ran.output);
  BOOST_TEST(contains(ran.output, "6.00  >= 5     holds"), ran.output);
}

BOOST_AUTO_TEST_CASE(a_wrong_answer_is_named) {
  const Programs programs;
  programs.write("boehm", Programs::result("1", "ffffffffffffffff"));
  check_failure(programs, "", "wrong answer ffffffffffffffff: acre has 0123456789abcdef");
}

BOOST_AUTO_TEST_CASE(a_crash_is_named) {
  const Programs programs;
  programs.write("boehm", "kill -SEGV $$");
  check_failure(programs, "--rounds 1", "killed by signal 11");
}

BOOST_AUTO_TEST_CASE(an_error_is_named_with_what_the_program_said) {
  const Programs programs;
  programs.write("boehm", "echo 'out of memory' >&2; exit 5");
  check_failure(programs, "--rounds 1", "exit code 5: out of memory");
}

BOOST_AUTO_TEST_CASE(what_hangs_is_killed_and_named) {
  const Programs programs;
  programs.write("boehm", "sleep 60");
  check_failure(programs, "--rounds 1 --timeout 0.5", "not done after");
}

BOOST_AUTO_TEST_CASE(what_prints_garbage_is_named) {
  const Programs programs;
  programs.write("boehm", "echo all went well");
  check_failure(programs, "--rounds 1", "what it printed is not a result");
}

BOOST_AUTO_TEST_CASE(a_failure_is_not_run_again) {
  const Programs programs;
  programs.write("boehm", "echo x >>'" + programs.path("runs") + "'; exit 1");
  BOOST_TEST(programs.run("--systems acre,boehm --only churn").code == 1);
  BOOST_TEST(read_file(programs.path("runs")) == "x\n");
}

BOOST_AUTO_TEST_CASE(a_short_budget_costs_rounds_but_never_the_first) {
  const Programs programs;
  programs.write("acre_cc", "[ \"$1\" != large ] || sleep 1.5\n" + Programs::result("1"));
  const Ran ran = programs.run("--systems acre --only large,churn --budget 0.04");
  BOOST_TEST(ran.code == 0, ran.output);
  const auto results = programs.json()["results"];
  BOOST_TEST(results[0]["workload"] == "churn");
  BOOST_TEST(results[0]["rounds"] == 3);
  BOOST_TEST(results[1]["rounds"] == 1);
  BOOST_TEST(contains(ran.output, "would not fit into 0.04 minutes (--budget); fewer of: large 1"),
             ran.output);
}

BOOST_AUTO_TEST_CASE(a_missing_system_is_left_out_with_its_reason) {
  const Programs programs;
  fs::remove(programs.path("native/boehm"));
  const Ran ran = programs.run("--systems acre,boehm --only churn --rounds 1");
  BOOST_TEST(ran.code == 0, ran.output);
  BOOST_TEST(contains(ran.output, "left out: boehm: there is no "));
  BOOST_TEST(programs.json()["left_out"][0]["failure"] == false);
  BOOST_TEST(programs.json()["results"].size() == 1u);
}

BOOST_AUTO_TEST_CASE(without_any_system_it_says_so) {
  const Programs programs;
  fs::remove(programs.path("native/boehm"));
  const Ran ran = programs.run("--systems boehm --only churn");
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(contains(ran.output, "none of the systems is there"));
}

BOOST_AUTO_TEST_CASE(a_preload_that_does_not_work_is_a_failure_and_never_glibc) {
  const Programs programs;
  programs.file("no.so", "not a library");
  const auto with = [&](const std::string& library) {
    return programs.run("--systems glibc,jemalloc --only churn --rounds 1",
                        "JEMALLOC_SO='" + library + "'");
  };
  const Ran broken = with(programs.path("no.so"));
  BOOST_TEST(broken.code == 1);
  BOOST_TEST(contains(broken.output, "cannot be preloaded"), broken.output);
  BOOST_TEST(programs.json()["results"].size() == 1u);
  const Ran absent = with("/nowhere/at/all.so");
  BOOST_TEST(absent.code == 1);
  BOOST_TEST(contains(absent.output, "JEMALLOC_SO=/nowhere/at/all.so is no file"));
}

BOOST_AUTO_TEST_CASE(go_is_built_offline_and_run) {
  const Programs programs;
  programs.file("source/go/main.go", "package main\n");
  programs.script("go",
                  R"([ "$GOFLAGS $GOPROXY $GOTOOLCHAIN" = '-mod=mod off local' ] || exit 9
[ "$1 $2 $4" = 'build -o .' ] && [ -f main.go ] && [ -n "$GOCACHE" ] || exit 8
printf '#!/bin/sh\n[ "$1" != --version ] || { echo go9; exit; }\n%s\n' ")" +
                      std::string(R"(echo '{\"answer\":\"0123456789abcdef\",\"seconds\":3,)") +
                      R"(\"cpu_seconds\":1,\"setup_seconds\":0,\"live_bytes\":0,)" +
                      R"(\"collections\":0}'" >"$3"; chmod +x "$3")");
  const Ran ran =
      programs.run("--systems acre,go --only churn --rounds 1", "GO='" + programs.path("go") + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  BOOST_TEST(programs.json()["results"][1]["version"] == "go9");
  BOOST_TEST(programs.json()["results"][1]["seconds"] == 3.0);
}

BOOST_AUTO_TEST_CASE(go_that_does_not_build_is_a_failure) {
  const Programs programs;
  programs.file("source/go/main.go", "package main\n");
  programs.script("go", "echo './main.go:1: oh' >&2; exit 2");
  const Ran ran =
      programs.run("--systems acre,go --only churn --rounds 1", "GO='" + programs.path("go") + "'");
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(contains(ran.output, "go: go build: exit code 2: ./main.go:1: oh"), ran.output);
}

BOOST_AUTO_TEST_CASE(java_is_compiled_and_run_by_each_collector) {
  const Programs programs;
  programs.file("source/java/Other.java", "class Other {}\n");
  programs.file("source/java/Start.java", "class Start { static void main(String[] a) {} }\n");
  programs.script("jdk/bin/javac", "[ \"$3\" = -d ] && [ -d \"$4\" ] && [ $# -eq 6 ]");
  programs.script("jdk/bin/java", "echo \"$*\" >>'" + programs.path("lines") + "'\n" +
                                      "case $* in *--version) echo java9; exit ;; esac\n" +
                                      Programs::result("4"));
  const Ran ran =
      programs.run("--systems acre,java_serial,java_parallel,java_g1 --only churn,grow --rounds 1",
                   "JAVA_HOME='" + programs.path("jdk") + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const std::string lines = read_file(programs.path("lines"));
  const std::string classes = " -cp " + programs.path("work/java") + " Start ";
  for (const char* collector : {"SerialGC", "ParallelGC", "G1GC"}) {
    const std::string option = std::string("-XX:+Use") + collector;
    const std::string usual = option + classes;
    BOOST_TEST(contains(lines, usual + "churn\n"), lines);
    BOOST_TEST(contains(lines, "-Xmx6g " + usual), lines);
  }
}

BOOST_AUTO_TEST_CASE(variables_that_change_a_system_are_told) {
  const Programs programs;
  const Ran ran =
      programs.run("--systems acre --only churn --rounds 1", "ACRE_GC_PERCENT=200 GOGC=50");
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(contains(ran.output, "in the environment: ACRE_GC_PERCENT=200"));
  BOOST_TEST(programs.json()["settings"]["environment"]["GOGC"] == "50");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
