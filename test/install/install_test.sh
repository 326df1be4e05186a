#!/bin/bash
# Installs the library in a temporary folder and builds the two clients against it, with
# pkg-config and with CMake, gcc and clang, shared and static; looks at what is exported.
# Each check is a test case of its own in the file that Bazel names in XML_OUTPUT_FILE.
set -u

here=test/install
work=${TEST_TMPDIR:?}/install
prefix=$work/prefix
xml=${XML_OUTPUT_FILE:-/dev/null}
failures=0
export PATH=/usr/local/bin:/usr/bin:/bin
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
unset LD_LIBRARY_PATH

check() { # NAME COMMAND...
  local name=$1 verdict=
  shift
  echo "--- $name"
  if ! "$@"; then
    echo "FAILED: $name"
    verdict='<failure/>'
    failures=$((failures + 1))
  fi
  echo "<testcase name=\"install/$name\">$verdict</testcase>" >>"$xml"
}

install_files() {
  bazel/packaging/install.sh "$prefix" libacre.a libacre.so.*.*.* ./*.pc ./*.cmake \
    include/acre/*.* || return
  local file
  for file in include/acre/acre.h include/acre/acre.hpp include/acre/options.def lib/libacre.a \
    lib/libacre.so lib/libacre.so.0 lib/libacre.so.0.1.0 lib/pkgconfig/acre.pc \
    lib/cmake/acre/acreConfig.cmake lib/cmake/acre/acreConfigVersion.cmake; do
    [ -r "$prefix/$file" ] || { echo "no $file"; return 1; }
  done
}

soname_is_the_link() {
  readelf -d "$prefix/lib/libacre.so" | grep -F 'soname: [libacre.so.0]' &&
    [ "$(readlink "$prefix/lib/libacre.so.0")" = libacre.so.0.1.0 ]
}

needs_only_libc() {
  local needed
  needed=$(readelf -d "$prefix/lib/libacre.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  echo "$needed"
  [ -n "$needed" ] && ! grep -vE '^(libc\.so\.6|libgcc_s\.so\.1|ld-linux[-a-z0-9_]*\.so\.[0-9])$' <<<"$needed"
}

exports_only_acre() {
  local names
  names=$(nm -D --defined-only "$prefix/lib/libacre.so" | awk '{ print $3 }')
  grep -q '^acre_heap_create$' <<<"$names" && ! grep -v '^acre_' <<<"$names"
}

archive_hides_internals() {
  local names
  names=$(nm -g --defined-only "$prefix/lib/libacre.a" | awk 'NF == 3 { print $3 }' | sort)
  diff <(nm -D --defined-only "$prefix/lib/libacre.so" | awk '{ print $3 }' | sort) - <<<"$names"
}

version_agrees() {
  local header=$prefix/include/acre/acre.h part have=
  for part in MAJOR MINOR PATCH; do
    have=$have.$(sed -n "s/^#define ACRE_VERSION_$part //p" "$header")
  done
  [ "${have#.}" = "$(pkg-config --modversion acre)" ]
}

# by_pkg_config COMPILER SOURCE LIBRARY FLAG...
by_pkg_config() {
  local compiler=$1 source=$2 library=$3 program=$work/$1.$3.${2##*.}
  shift 3
  local link
  case $library in
    shared) link="$(pkg-config --libs acre) -Wl,-rpath,$prefix/lib" ;;
    static) link="-Wl,-Bstatic $(pkg-config --libs acre) -Wl,-Bdynamic $(
      pkg-config --static --libs-only-other acre)" ;;
  esac
  # shellcheck disable=SC2046,SC2086 # lists of flags
  "$compiler" "$@" -O1 -Wall -Wextra -Werror $(pkg-config --cflags acre) "$here/$source" \
    -o "$program" $link && "$program" || return
  case $library in
    shared) readelf -d "$program" | grep -qF '[libacre.so.0]' ;;
    static) ! readelf -d "$program" | grep -qF libacre ;;
  esac
}

# The commands that a document gives for its own programs, as they stand.
by_the_commands_of() { # DOCUMENT
  local folder=$work/commands file command program
  rm -rf "$folder"
  mkdir -p "$folder"
  for file in $(sed -nE 's/^    (cc|c\+\+) .*[ ]([a-z]+\.(c|cc)) .*/\2/p' "$1"); do
    awk -v name="$file" -f test/docs/blocks.awk "$1" >"$folder/$file" || return
  done
  while read -r command; do
    echo "$command"
    program=$(sed -nE 's/.* -o ([a-z_]+) .*/\1/p' <<<"$command")
    (cd "$folder" && eval "$command" && LD_LIBRARY_PATH=$prefix/lib "./$program") || return
  done < <(sed -nE 's/^    ((cc|c\+\+) .*)/\1/p' "$1")
  [ -n "$program" ]
}

# A library that is closed leaves handlers behind, which must not be called where nothing is.
may_be_closed() {
  # shellcheck disable=SC2046 # a list of flags
  gcc -std=gnu11 -O1 -Wall -Wextra -Werror $(pkg-config --cflags acre) "$here/unload.c" \
    -o "$work/unload" -ldl && "$work/unload" "$prefix/lib/libacre.so"
}

# by_cmake C_COMPILER CXX_COMPILER PREFIX
by_cmake() {
  local build=$work/build.$1.${3##*/} program
  cmake -S "$here" -B "$build" -DCMAKE_C_COMPILER="$1" -DCMAKE_CXX_COMPILER="$2" \
    -DCMAKE_PREFIX_PATH="$3" -DCMAKE_BUILD_TYPE=Release >"$build.log" &&
    cmake --build "$build" >>"$build.log" || { cat "$build.log"; return 1; }
  for program in c_shared c_static cc_shared cc_static; do
    "$build/$program" || return
  done
}

cmake_refuses_another_version() {
  ! cmake -S "$here" -B "$work/refused" -DCMAKE_PREFIX_PATH="$prefix" -DACRE_WANTED=1.0 \
    >"$work/refused.log" 2>&1 && grep -q 'version: 0.1.0' "$work/refused.log"
}

moved() {
  mv "$prefix" "$work/elsewhere" && by_cmake gcc g++ "$work/elsewhere" &&
    PKG_CONFIG_PATH=$work/elsewhere/lib/pkgconfig pkg-config --cflags acre |
    grep -F "$work/elsewhere"
}

rm -rf "$work" # Bazel may hand out the folder of an earlier run
mkdir -p "$work"
echo '<testsuites><testsuite name="install">' >"$xml"
check files_are_in_their_places install_files
check soname_is_the_link soname_is_the_link
check needs_only_libc needs_only_libc
check exports_only_acre exports_only_acre
check archive_hides_internals archive_hides_internals
check version_agrees version_agrees
check may_be_closed may_be_closed
for library in shared static; do
  for cc in gcc clang; do
    check "c11_by_pkg_config_${cc}_$library" \
      by_pkg_config $cc client.c $library -std=c11 -pedantic-errors
  done
  for cxx in g++ clang++; do
    check "cxx20_by_pkg_config_${cxx}_$library" \
      by_pkg_config $cxx client.cc $library -std=c++20 -pedantic
  done
done
check guide_by_its_own_commands by_the_commands_of docs/embedding.md
check by_cmake_gcc by_cmake gcc g++ "$prefix"
check by_cmake_clang by_cmake clang clang++ "$prefix"
check cmake_refuses_another_version cmake_refuses_another_version
check works_when_moved moved
echo '</testsuite></testsuites>' >>"$xml"
rm -rf "$work"
exit $((failures > 0))
