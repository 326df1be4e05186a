#!/bin/sh
# Lays the files of //:acre out under a prefix:
#   install.sh PREFIX FILE...
# Used by `./dev install` and by the test that builds clients against the result.
set -eu

prefix=$1
shift
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)

# Each file is written under a temporary name first: a program that is running from the old
# library keeps it, and nobody ever sees half of one.
put() { # FILE FOLDER
  target=$prefix/$2/${1##*/}
  mkdir -p "$prefix/$2"
  cp "$1" "$target.new"
  chmod 644 "$target.new"
  mv -f "$target.new" "$target"
}

for file in "$@"; do
  case $file in
    *.h | *.hpp | *.def) put "$file" include/acre ;;
    *.pc) put "$file" lib/pkgconfig ;;
    *.cmake) put "$file" lib/cmake/acre ;;
    *.a) put "$file" lib ;;
    *.so.*)
      put "$file" lib
      real=${file##*/}
      soname=${real%.*.*} # libacre.so.0.1.0: the interface's number is the first
      ln -sfn "$real" "$prefix/lib/$soname"
      ln -sfn "$soname" "$prefix/lib/libacre.so"
      ;;
    *) echo "install.sh: what is $file?" >&2; exit 1 ;;
  esac
done
