# Counts what the tests of one `bazel test` did, from its build events (one JSON object a line)
# and the test.xml files that they name; prints `PASSED FAILED`, and on stderr what failed.
#
# Only this run's events are read: the folder of test logs also holds those of earlier runs and
# of tests that are no more. A test target that has no result did not build; one that failed
# without a failed case in its file was killed or timed out: each is one failure.

# The text that follows `open` in `line`, up to the next quote.
function after(line, open,    at, rest) {
  at = index(line, open)
  if (at == 0) return ""
  rest = substr(line, at + length(open))
  return substr(rest, 1, index(rest, "\"") - 1)
}

# Counts one file's cases into `good` and `bad`. Our own files have a line for each case, those
# that Bazel makes for other tests have the verdict on a line of its own.
function count_cases(label, file,    line, name) {
  name = ""
  while (file != "" && (getline line < file) > 0) {
    if (line ~ /<system-out/) break  # from here on it is what the test printed
    if (line ~ /<testcase /) {
      if (name != "") good++
      name = after(line, "<testcase name=\"")
    }
    if (name != "" && line ~ /<(failure|error)/) {
      print "failed: " label " " name > "/dev/stderr"
      bad++
      name = ""
    } else if (name != "" && line ~ /<skipped/) {
      name = ""
    }
  }
  if (name != "") good++
  close(file)
}

/^\{"id":\{"targetConfigured"/ && /"testSize"/ { expected[after($0, "\"label\":\"")] = 1 }

/^\{"id":\{"testResult"/ {
  match($0, /"label":"[^}]*/)
  run = substr($0, RSTART, RLENGTH)
  sub(/,"attempt".*/, "", run)  # of several attempts the last one counts
  label_of[run] = after($0, "\"label\":\"")
  status_of[run] = after($0, "\"status\":\"")
  file_of[run] = after($0, "\"name\":\"test.xml\",\"uri\":\"file://")
  gsub(/%20/, " ", file_of[run])
}

END {
  for (run in label_of) {
    reported[label_of[run]] = 1
    good = bad = 0
    count_cases(label_of[run], file_of[run])
    if (status_of[run] != "PASSED" && bad == 0) {
      print "failed: " label_of[run] " (" status_of[run] ")" > "/dev/stderr"
      bad = 1
    }
    passed += good
    failed += bad
  }
  for (label in expected) {
    if (!(label in reported)) {
      print "failed: " label " (not built)" > "/dev/stderr"
      failed++
    }
  }
  print passed + 0, failed + 0
}
