#!/bin/bash
# Runs what a document shows of a console: console_test.sh DOCUMENT.md PROGRAM...
#
# In each ```console block the lines that begin with "$ " are commands, run one after the other in one shell for each
# block, in a folder that holds the programs; what follows is what they print, stderr too. A line "..." stands for any
# lines, "..." at the end of a line for any rest; addresses are all the same, and so are thread numbers and milliseconds.
# Also: each file of code in the document is the source of one of the programs.
set -u

document=$PWD/$1
shift
work=${TEST_TMPDIR:?}/console
rm -rf "$work"
mkdir -p "$work"
for program; do ln -s "$PWD/$program" "$work/"; done
failures=0

same_everywhere() {
  sed -E 's/0x[0-9a-f]+/0x?/g; s/[0-9]+(\.[0-9]+)? ms/? ms/g; s/thread [0-9]+/thread ?/g'
}

# Whether lines match a pattern of lines with "..." in it.
matches() { # PATTERN TEXT
  local pattern
  pattern=$(printf '%s\n' "$1" | same_everywhere | sed -E 's/[][\\.*^$+?(){}|]/\\&/g; s/^\\\.\\\.\\\.$/@LINES@/; s/\\\.\\\.\\\.$/[^\n]*/')
  pattern=$(printf '%s\n' "$pattern" | awk '
    /^@LINES@$/ { regex = regex "(\n[^\n]*)*"; next }
    { regex = regex "\n" $0 }
    END { printf "%s", regex }')
  [[ $'\n'$(printf '%s\n' "$2" | same_everywhere) =~ ^$pattern$ ]]
}

check_block() { # LINE FILE
  local script=$work/script expected=$work/expected seen
  sed -n 's/^\$ //p' "$2" >"$script"
  grep -v '^\$ ' "$2" >"$expected"
  seen=$(cd "$work" && ulimit -c 0 && PATH=$PATH bash "$script" 2>&1 | grep -v ' Aborted ')
  if ! matches "$(cat "$expected")" "$seen"; then
    echo "$document:$1: it says"
    cat "$expected"
    echo "but printed was"
    printf '%s\n' "$seen"
    failures=$((failures + 1))
  fi
}

blocks=0
while read -r line; do
  blocks=$((blocks + 1))
  sed -n "$((line + 1)),\$p" "$document" | sed '/^```$/,$d' >"$work/block"
  check_block "$line" "$work/block"
done < <(grep -n '^```console$' "$document" | cut -d: -f1)
[ "$blocks" -gt 0 ] || { echo "$document: no console blocks"; failures=1; }

# hello.c and hello.cc are hello_c and hello.
for file in $(sed -nE 's/^```(c|cpp) +//p' "$document" | sort -u); do
  case $file in
    *.cc) program=${file%.cc} ;;
    *.c) program=${file%.c} ;;
  esac
  [ -x "$work/$program" ] || [ -x "$work/${program}_c" ] || {
    echo "$document: $file is not built: add it to test/docs/BUILD"
    failures=$((failures + 1))
  }
done
exit $((failures > 0))
