#!/bin/sh
# Makes the two libraries from the archives of all layers:
#   merge.sh ARCHIVE SHARED SONAME MAP -- LAYER.a... -- [LINK FLAG...]
# with the tools in CC, LD, OBJCOPY and AR.
#
# All objects become one, and in it every name that is hidden or not acre_* becomes local: the
# static library then hides its internals as well as the shared one does. COMDAT groups are
# dissolved first; a local name in a group that the client's own copy displaces would not link.
#
# The shared library is linked by the C driver, with nothing left undefined: a call into the
# C++ runtime fails here, by name, and not on a user's machine. It is never unloaded (nodelete): handlers of
# signals and of faults stay, and would be called where nothing is any more.
set -eu

archive=$1 shared=$2 soname=$3 map=$4
shift 5
merged=$archive.o
layers=
while [ "$1" != -- ]; do
  layers="$layers $1"
  shift
done
shift
archives= # of the system's, which libacre.a has to contain as well
for flag; do
  case $flag in -l:*.a) archives="$archives $("$CC" -print-file-name="${flag#-l:}")" ;; esac
done

# shellcheck disable=SC2086 # lists of file names without blanks: Bazel made them
"$LD" -r --force-group-allocation -o "$merged" --whole-archive $layers --no-whole-archive \
  $archives
"$OBJCOPY" --localize-hidden --wildcard --keep-global-symbol='acre_*' "$merged"
"$CC" -shared -o "$shared" "$merged" -Wl,-soname,"$soname" -Wl,--version-script="$map" \
  -Wl,-z,defs -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,-Bsymbolic-functions -Wl,--gc-sections \
  -Wl,--as-needed -pthread "$@"
rm -f "$archive"
"$AR" rcsD "$archive" "$merged"
rm -f "$merged"
