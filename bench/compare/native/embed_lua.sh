#!/bin/sh
# embed_lua.sh SCRIPT.lua...: a C++ header on stdout with each script as a string, kLua and the script's name.
set -eu
echo '#pragma once'
echo 'namespace acre::compare {'
for script; do
  name=$(basename "$script" .lua)
  rest=${name#?}
  first=$(printf %s "${name%"$rest"}" | tr '[:lower:]' '[:upper:]')
  printf 'inline constexpr char kLua%s%s[] = R"lua(' "$first" "$rest"
  cat "$script"
  echo ')lua";'
done
echo '}'
