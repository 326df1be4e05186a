#!/bin/sh
# clang-tidy of one file, with the flags that its folder is built with: tidy.sh FILE
# (bazel/acre.bzl has the same flags for the compiler.)
set -eu

flags="-I. -Iinclude -Wall -Wextra"
case $(uname -m) in x86_64) flags="$flags -mcx16" ;; esac
case $1 in
  *.c) flags="$flags -std=c11" ;;
  runtime/* | gc/*) flags="$flags -std=c++20 -fno-exceptions -fno-rtti" ;;
  *) flags="$flags -std=c++20 -DBOOST_TEST_DYN_LINK" ;;
esac
# shellcheck disable=SC2086 # a list
found=$(clang-tidy --quiet "$1" -- $flags 2>&1) || {
  echo "$found" | grep -v ' warnings\{0,1\} generated'
  exit 1
}
