# Turns the examples in headers' comments into a file of tests: awk -f extract.awk HEADER... > TEST.cc
#
# An example begins behind a comment line "Example:" and is what follows, indented by three spaces. Paragraphs that
# begin with a declaration (struct, template, using, ...) go to namespace scope, the others into a function; each example
# runs in both fixtures of examples.h. A class outside namespace detail that has no example is an error.

function flush_paragraph() {
  if (paragraph == "") return
  text = "#line " paragraph_line " \"" header "\"\n" paragraph
  if (paragraph ~ /^(struct|class|enum|template|using|inline|#include)/) declarations = declarations text
  else body = body text
  paragraph = ""
}

function flush_example() {
  flush_paragraph()
  if (body == "" && declarations == "") return
  name = stem "_line_" example_line
  print "namespace {\nnamespace " name " {"
  printf "%s", declarations
  print "struct Example : Fixture {\n  using Fixture::Fixture;\n  void run() {"
  printf "%s", body
  print "  }\n};\n}  // namespace " name "\n}  // namespace"
  if (!precise_only) {
    print "BOOST_AUTO_TEST_CASE(" name "_where_stacks_are_scanned) {\n  " name "::Example(kScanned).run();\n}"
  }
  print "BOOST_AUTO_TEST_CASE(" name "_where_they_are_not) {\n  " name "::Example(kPrecise).run();\n}"
  ++examples
  body = declarations = ""
}

function end_of_file() {
  flush_example()
  if (header == "") return
  print "BOOST_AUTO_TEST_SUITE_END()\n"
  if (!examples) {
    print header ": no examples" > "/dev/stderr"
    failed = 1
  }
  examples = in_example = detail = 0
}

BEGIN { print "// Made by test/include/examples/extract.awk.\n#include \"test/include/examples/examples.h\"\n" }

FNR == 1 {
  end_of_file()
  header = FILENAME
  stem = FILENAME
  sub(/.*\//, "", stem)
  gsub(/[^A-Za-z0-9]/, "_", stem)
  print "BOOST_AUTO_TEST_SUITE(" stem ")\n"
}

/^ *\/\/ Example/ {
  in_example = documented = 1
  precise_only = /\(precise\)/
  example_line = FNR
  next
}

in_example && /^ *\/\/   / {
  line = $0
  sub(/^ *\/\/   /, "", line)
  if (paragraph == "") paragraph_line = FNR
  paragraph = paragraph line "\n"
  next
}

in_example && /^ *\/\/$/ {
  flush_paragraph()
  next
}

in_example {
  flush_example()
  in_example = 0
}

/^namespace detail/ { detail = 1 }
/^}  \/\/ namespace detail/ { detail = 0 }

/^class [A-Za-z]+ .*{$/ && !detail && !documented {
  print FILENAME ":" FNR ": no example for " $2 > "/dev/stderr"
  failed = 1
}
!/^(\/\/|template|  requires)/ { documented = 0 }

END {
  end_of_file()
  exit failed
}
