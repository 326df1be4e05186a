#!/bin/bash
# bench/compare's programs in Go and Java: they build without a warning, refuse wrong command lines,
# and give the answers of compare_answers.txt, which the native programs are held to as well.
# A language whose compiler is not here is skipped, and the test says so.
set -u

answers=test/bench/compare_answers.txt
work=${TEST_TMPDIR:?}/languages
xml=${XML_OUTPUT_FILE:-/dev/null}
failures=0
program=() # the command of the language at hand

check() { # NAME COMMAND...
  local name=$1 verdict=
  shift
  echo "--- $name"
  if ! "$@"; then
    echo "FAILED: $name"
    verdict='<failure/>'
    failures=$((failures + 1))
  fi
  echo "<testcase name=\"languages/$name\">$verdict</testcase>" >>"$xml"
}

skip() { # NAME COMPILER
  echo "SKIPPED: $1: there is no $2 on this machine"
  echo "<testcase name=\"languages/$1\"><skipped/></testcase>" >>"$xml"
}

# run ARGUMENT...: the status is in $status, what the program wrote in $out and $err.
run() {
  "${program[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  out=$(cat "$work/out") err=$(cat "$work/err")
}

# Nothing is fetched, nothing is kept outside the test's folder, and the user's settings are not read.
build_go() {
  (
    export GOCACHE=$work/gocache GOPATH=$work/gopath GOENV=off GOPROXY=off GOFLAGS=-buildvcs=false
    export CGO_ENABLED=0
    cd bench/compare/go && go vet && go build -o "$work/acrebench"
  )
}

build_java() {
  javac -Xlint:all -Werror -d "$work/classes" bench/compare/java/*.java
}

# can_run LANGUAGE WORKLOAD. Baselines and Lua are only the native programs'; Java here has no fibers.
can_run() {
  case $1,$2 in *,grow_raw* | *,lua_* | *,fibers_protected | java,fibers*) return 1 ;; esac
}

lists_the_workloads_of_the_table() { # LANGUAGE
  local workload answer
  run --list
  [ "$status" -eq 0 ] && [ -z "$err" ] &&
    diff <(while read -r workload answer; do
      ! can_run "$1" "$workload" || echo "$workload"
    done <"$answers") - <<<"$out"
}

version_is_one_line() { # PATTERN
  run --version
  [ "$status" -eq 0 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -E "$1" <<<"$out"
}

is_refused() { # ARGUMENT...
  run "$@"
  [ "$status" -eq 2 ] && [ -z "$out" ] && grep -q usage: <<<"$err" && return
  echo "status $status, wrote '$out' and '$err' for: $*"
  return 1
}

wrong_command_lines_are_refused() {
  is_refused && is_refused frobnicate && grep -q frobnicate <<<"$err" && is_refused grow --slow &&
    is_refused --quick grow && is_refused grow --quick --quick && is_refused --list grow
}

help_goes_to_standard_output() {
  run --help
  [ "$status" -eq 0 ] && [ -z "$err" ] && grep -q usage: <<<"$out"
}

a_result_that_cannot_be_written_is_an_error() {
  "${program[@]}" grow --quick >/dev/full 2>"$work/err"
  [ $? -eq 1 ] && grep -q 'cannot write' "$work/err"
}

value() { # KEY: of the JSON in $out
  sed -E 's/.*"'"$1"'":"?([0-9a-f.]+).*/\1/' <<<"$out"
}

# is_between LOW NUMBER HIGH
is_between() {
  awk -v low="$1" -v x="$2" -v high="$3" 'BEGIN { exit !(low <= x && x <= high) }' && return
  echo "$2 is not between $1 and $3"
  return 1
}

figures_make_sense() { # WORKLOAD
  local live=0 most=1e12
  case $1 in
    grow | graph) live=67108864 most=67108864 ;;
    list) live=33554432 most=33554432 ;;
    frag) live=16777216 most=16781312 ;; # one object above the target at most
  esac
  is_between 1e-6 "$(value seconds)" 1000 && is_between 0 "$(value cpu_seconds)" 1000 &&
    is_between "$live" "$(value live_bytes)" "$most" || return
  case $1 in
    graph | list)
      is_between 1e-6 "$(value setup_seconds)" 1000 && is_between 3 "$(value collections)" 1e6 ;;
    *)
      is_between 0 "$(value setup_seconds)" 0 ;;
  esac
}

answers_as_the_table() { # WORKLOAD ANSWER
  run "$1" --quick
  local number='[0-9]+\.[0-9]+' keys
  keys='"answer":"[0-9a-f]{16}","seconds":N,"cpu_seconds":N,"setup_seconds":N'
  keys=${keys//N/$number}',"live_bytes":[0-9]+,"collections":[0-9]+'
  case $1 in
    fibers*)
      keys+=',"phases":\[\{"name":"create","ns":N\},\{"name":"switch","ns":N\},'
      keys+='\{"name":"finish","ns":N\}\]'
      keys=${keys//N/$number} ;;
  esac
  if [ "$status" -ne 0 ] || [ -n "$err" ] || ! grep -qxE "\{$keys\}" <<<"$out"; then
    echo "status $status, wrote '$out' and '$err'"
    return 1
  fi
  [ "$(value answer)" = "$2" ] || { echo "answer $(value answer), not $2"; return 1; }
  figures_make_sense "$1"
}

# check_program LANGUAGE VERSION_PATTERN: the command is in $program.
check_program() {
  local workload answer
  check "$1_lists_the_workloads_of_the_table" lists_the_workloads_of_the_table "$1"
  check "$1_version_is_one_line" version_is_one_line "$2"
  check "$1_wrong_command_lines_are_refused" wrong_command_lines_are_refused
  check "$1_help_goes_to_standard_output" help_goes_to_standard_output
  check "$1_a_result_that_cannot_be_written_is_an_error" a_result_that_cannot_be_written_is_an_error
  while read -r workload answer; do
    can_run "$1" "$workload" || continue
    check "$1_answers_$workload" answers_as_the_table "$workload" "$answer"
  done <"$answers"
}

memory_that_is_not_there_is_an_error() {
  java -XX:+UseSerialGC -Xmx24m -cp "$work/classes" Main grow --quick >"$work/out" 2>"$work/err"
  [ $? -eq 1 ] && [ ! -s "$work/out" ] && grep -q 'out of memory' "$work/err"
}

rm -rf "$work" # Bazel may hand out the folder of an earlier run
mkdir -p "$work"
echo '<testsuites><testsuite name="languages">' >"$xml"
if command -v go >/dev/null; then
  check go_builds build_go
  program=("$work/acrebench")
  check_program go '^go[0-9.]+'
else
  skip go go
fi
if command -v javac >/dev/null && command -v java >/dev/null; then
  check java_builds build_java
  program=(java -XX:+UseSerialGC -Xmx1g -cp "$work/classes" Main)
  check_program java '^[A-Za-z].* [0-9.]+.*, Serial collector$'
  check java_memory_that_is_not_there_is_an_error memory_that_is_not_there_is_an_error
else
  skip java javac
fi
echo '</testsuite></testsuites>' >>"$xml"
chmod -R u+w "$work" # Go writes its caches without leave to write
rm -rf "$work"
exit $((failures > 0))
