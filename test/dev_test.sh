#!/bin/bash
# ./dev: its usage, its errors, what it does about missing packages, how it counts tests.
# Nothing is built or installed here: the commands it would call are replaced.
set -u

work=${TEST_TMPDIR:?}/dev
rm -rf "$work"
mkdir -p "$work/bin"
xml=${XML_OUTPUT_FILE:-/dev/null}
failures=0

check() { # NAME COMMAND...
  local name=$1 verdict=
  shift
  echo "--- $name"
  if ! "$@"; then
    echo "FAILED: $name"
    verdict='<failure/>'
    failures=$((failures + 1))
  fi
  echo "<testcase name=\"dev/$name\">$verdict</testcase>" >>"$xml"
}

# dev ARGUMENT...: runs it on a system where nothing is installed; the status is in $status, what
# it wrote in $out and $err.
dev() {
  TMPDIR=$work PATH=$work/bin:/usr/bin:/bin sh ./dev "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  out=$(cat "$work/out") err=$(cat "$work/err")
}

fake() { # NAME BODY
  printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}

alone_lists_its_commands() {
  dev
  [ "$status" -eq 0 ] || return
  local command
  for command in run test bench install format lint clean; do
    grep -q "^  $command" <<<"$out" || return
  done
}

help_is_the_same() {
  dev
  local alone=$out
  dev --help
  [ "$status" -eq 0 ] && [ "$out" = "$alone" ]
}

unknown_command_is_refused() {
  dev frobnicate
  [ "$status" -eq 2 ] && [ -z "$out" ] && grep -q frobnicate <<<"$err" && grep -q usage: <<<"$err"
}

install_wants_a_prefix() {
  dev install
  [ "$status" -eq 2 ] && grep -q PREFIX <<<"$err" || return
  dev install ''
  [ "$status" -eq 2 ]
}

plain_user_is_told_what_is_missing() {
  fake id 'echo 1000'
  fake dpkg-query '[ "$3" != g++ ] || echo installed'
  fake apt-get "touch $work/asked"
  local command
  for command in run test bench 'bench --micro' 'install p'; do
    # shellcheck disable=SC2086 # a command and its argument
    dev $command
    [ "$status" -eq 1 ] && grep -q 'apt-get install .*bazel-bootstrap' <<<"$err" &&
      ! grep -qF 'g++' <<<"$err" && [ ! -e "$work/asked" ] || return
  done
}

# A Bazel that builds nothing, and a program in the place of what it would have built.
bench_goes_on_without_other_systems_and_passes_options_on() {
  fake id 'echo 1000'
  fake dpkg-query '[ "$3" = golang-go ] || echo installed'
  fake bazel "case \" \$* \" in *' info '*) echo $work/built ;; esac"
  mkdir -p "$work/built/bench/compare"
  fake ../built/bench/compare/compare 'echo "$*"; exit 1'
  dev bench --only churn --quick
  [ "$status" -eq 1 ] && grep -q 'without.* golang-go$' <<<"$err" &&
    grep -q -- "--native-dir $work/built/bench/compare/native .*--only churn --quick$" <<<"$out"
}

root_gets_what_is_missing() {
  fake id 'echo 0'
  fake dpkg-query "[ ! -e $work/there ] || echo installed"
  fake apt-get "echo \"\$*\" >>$work/asked; case \"\$*\" in *install*clang-format*) touch $work/there ;; esac"
  fake clang-format 'exit 0'
  dev format --check
  [ "$status" -eq 0 ] && grep -q 'installing from Debian.*clang-format' <<<"$err" &&
    grep -q update "$work/asked"
}

failing_apt_get_is_an_error() {
  rm -f "$work/there"
  fake apt-get 'exit 100'
  dev format --check
  [ "$status" -eq 1 ] && grep -q 'could not install' <<<"$err"
}

event() { # LABEL STATUS FILE
  echo '{"id":{"targetConfigured":{"label":"'"$1"'"}},"configured":{"testSize":"SMALL"}}'
  [ -z "$2" ] || echo '{"id":{"testResult":{"label":"'"$1"'","run":1,"shard":1,"attempt":1}},' \
    '"testResult":{"testActionOutput":[{"name":"test.xml","uri":"file://'"$3"'"}],"status":"'"$2"'"}}'
}

# count_is EXPECTED: of the events on standard input.
count_is() {
  local counted
  counted=$(awk -f bazel/count_tests.awk)
  [ "$counted" = "$1" ] || { echo "counted $counted, not $1"; return 1; }
}

counts_cases() {
  printf '%s\n' '<testcase name="a"></testcase>' '<testcase name="b"><failure/></testcase>' \
    '<testcase name="c"><skipped/></testcase>' '<testcase name="d"></testcase>' >"$work/a.xml"
  event //a:a FAILED "$work/a.xml" | count_is '2 1'
}

counts_what_ran_before_a_crash() {
  printf '%s\n' '<testcase name="a"></testcase>' >"$work/b.xml"
  event //b:b FAILED "$work/b.xml" | count_is '1 1'
}

counts_a_program_as_one() {
  printf '%s\n' '<testcase name="c" status="run">' '</testcase>' '<system-out>' \
    '<testcase name="not a case">' >"$work/c.xml"
  event //c:c PASSED "$work/c.xml" | count_is '1 0'
}

counts_what_did_not_build_or_end() {
  { event //d:d '' ''; event //e:e TIMEOUT /nonexistent; } | count_is '0 2'
}

echo '<testsuites><testsuite name="dev">' >"$xml"
for name in alone_lists_its_commands help_is_the_same unknown_command_is_refused \
  install_wants_a_prefix plain_user_is_told_what_is_missing \
  bench_goes_on_without_other_systems_and_passes_options_on root_gets_what_is_missing \
  failing_apt_get_is_an_error counts_cases counts_what_ran_before_a_crash \
  counts_a_program_as_one counts_what_did_not_build_or_end; do
  check "$name" "$name"
done
echo '</testsuite></testsuites>' >>"$xml"
rm -rf "$work"
exit $((failures > 0))
