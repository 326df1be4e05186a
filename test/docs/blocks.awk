# Takes code out of a document: awk -v name=FILE -f blocks.awk DOCUMENT.md > FILE
#
# All blocks that begin with ```LANGUAGE FILE are one file, in the order in which they stand. A block of C or C++
# without a name, or a name that no block has, is an error: all code of a document is to be compiled.

/^```/ && !inside {
  inside = 1
  language = substr($1, 4)
  if ((language == "c" || language == "cpp") && $2 == "") {
    print FILENAME ":" FNR ": code without the name of its file" > "/dev/stderr"
    failed = 1
  }
  if ($2 == name) {
    taking = found = 1
    print "#line " FNR + 1 " \"" FILENAME "\""
  }
  next
}
/^```/ {
  inside = taking = 0
  next
}
taking { print }

END {
  if (!found) {
    print FILENAME ": no block has the name " name > "/dev/stderr"
    failed = 1
  }
  exit failed
}
