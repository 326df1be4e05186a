// The program from outside: the command line, errors with their place, limits, what is typed.
#include <boost/test/unit_test.hpp>
#include <string>

#include "test/examples/scheme/run_scheme.h"

namespace {

using acre::scheme_test::contains;
using acre::scheme_test::evaluate;
using acre::scheme_test::Ran;
using acre::scheme_test::run_scheme;

// What the expression writes, with its line's end; an error fails the test.
std::string value(const std::string& expression, const std::string& environment = "") {
  const Ran ran = evaluate(expression, environment);
  BOOST_TEST(ran.code == 0, expression << ": " << ran.output);
  return ran.output;
}

// The error's line, with its line's end.
std::string error(const std::string& expression, const std::string& environment = "") {
  const Ran ran = evaluate(expression, environment);
  BOOST_TEST(ran.code == 1, expression << ": " << ran.output);
  return ran.output;
}

std::string typed(const std::string& lines) {
  return acre::bench::run_program(
             "SH", "/bin/sh",
             "-c 'printf \"%s\" \"$0\" | \"${SCHEME:-examples/scheme/scheme}\"' '" + lines + "'")
      .output;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(help_is_no_error_and_what_is_unknown_is) {
  const Ran help = run_scheme("--help");
  BOOST_TEST(help.code == 0);
  BOOST_TEST(contains(help.output, "usage: scheme"));
  BOOST_TEST(run_scheme("--frobnicate").code == 2);
  BOOST_TEST(run_scheme("-e").code == 2);
  BOOST_TEST(run_scheme("/no/such/file.scm").code == 2);
}

BOOST_AUTO_TEST_CASE(exit_gives_its_status_and_leaves_dynamic_wind) {
  BOOST_TEST(evaluate("(exit 7)").code == 7);
  BOOST_TEST(evaluate("(exit)").code == 0);
  BOOST_TEST(evaluate("(exit #f)").code == 1);
  BOOST_TEST(evaluate("(dynamic-wind void (lambda () (exit 3)) (lambda () (display 1)))").output ==
             "1");
}

BOOST_AUTO_TEST_CASE(forms_are_read_from_standard_input) {
  BOOST_TEST(typed("(define x 5)\n(* x\n 2)\n") == "10\n");
}

BOOST_AUTO_TEST_CASE(an_error_ends_the_form_and_not_the_conversation) {
  BOOST_TEST(typed("(car 5)\n(+ 1 2)") == "stdin:1:1: car: not a pair: 5\n3\n");
}

BOOST_AUTO_TEST_SUITE_END()

// A folder that somebody has changed root to has no pseudo-terminals, unless devpts is mounted there.
boost::test_tools::assertion_result has_terminals(boost::unit_test::test_unit_id) {
  const Ran ran = acre::bench::run_program("SH", "/bin/sh", "-c 'script -qec true /dev/null'");
  boost::test_tools::assertion_result result(ran.code == 0);
  if (ran.code != 0) result.message() << "no pseudo-terminal: " << ran.output;
  return result;
}

BOOST_AUTO_TEST_SUITE(terminal, *boost::unit_test::precondition(&has_terminals))

// What a pseudo-terminal shows while this is typed. The home folder is the test's own.
Ran at_terminal(const std::string& lines) {
  return acre::bench::run_program(
      "SH", "/bin/sh",
      "-c '(printf \"%s\" \"$0\") | HOME=$TEST_TMPDIR TERM=dumb script -qec "
      "\"${SCHEME:-examples/scheme/scheme}\" /dev/null' '" +
          lines + "'");
}

BOOST_AUTO_TEST_CASE(has_a_prompt_that_comes_back_after_an_error_and_a_history) {
  const Ran ran = at_terminal("(+ 1\n 2)\n(car 5)\n(exit 3)\n");
  BOOST_TEST(ran.code == 3, ran.output);
  BOOST_TEST(contains(ran.output, "> (+ 1"), ran.output);
  BOOST_TEST(contains(ran.output, "...  2)\r\n3\r\n> "), ran.output);
  BOOST_TEST(contains(ran.output, "repl:3:1: car: not a pair: 5\r\n> "), ran.output);
  // The next session knows the lines of the last one: up, up is the one before its last.
  const Ran next = at_terminal("(list \"first\")\n\033[A\033[A\033[A\n(exit 4)\n");
  BOOST_TEST(next.code == 4, next.output);
  BOOST_TEST(contains(next.output, "repl:2:1: car: not a pair: 5"), next.output);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(say_where) {
  BOOST_TEST(error("(+ 1 (car 5))") == "-e:1:6: car: not a pair: 5\n");
  BOOST_TEST(error("(define (f)\n  (vector-ref (vector 1) 9))\n(f)") ==
             "-e:2:3: vector-ref: index out of range: 9\n");
  BOOST_TEST(error("(list 1\n (error \"no\" 1 \"a\"))") == "-e:2:2: no 1 \"a\"\n");
  BOOST_TEST(error("(map (lambda (x)\n  (undefined x)) (list 1))") ==
             "-e:2:3: unbound variable: undefined\n");
  BOOST_TEST(error("(raise 42)") == "-e:1:1: raised: 42\n");
  BOOST_TEST(error("(list 1 2\n (let ((x 1) (y)) x))") == "-e:2:14: malformed form y\n");
  BOOST_TEST(error("(list 1 2") == "-e:1:1: end of input in a list that begins here\n");
  BOOST_TEST(error("\n\"abc") == "-e:2:1: end of input in a string that begins here\n");
  BOOST_TEST(error("(+ 1 2))") == "3\n-e:1:8: unexpected closing parenthesis\n");
}

BOOST_AUTO_TEST_CASE(name_what_is_wrong) {
  BOOST_TEST(contains(error("(5 1)"), "not a procedure: 5"));
  BOOST_TEST(contains(error("((lambda (x) x))"), "wrong number of arguments"));
  BOOST_TEST(contains(error("(car 1 2)"), "wrong number of arguments"));
  BOOST_TEST(
      contains(error("(letrec ((a (lambda () b)) (b (a))) b)"), "used before its definition"));
  BOOST_TEST(contains(error("(set! nobody 1)"), "unbound variable: nobody"));
  BOOST_TEST(contains(error("(if)"), "malformed form if"));
  BOOST_TEST(contains(error("(lambda (x x) x)"), "parameter given twice x"));
  BOOST_TEST(contains(error("(+ 1 (define x 2))"), "a definition where an expression is wanted"));
  BOOST_TEST(contains(error("else"), "syntax") == false);
  BOOST_TEST(contains(error("(define-syntax m (syntax-rules () ((_ 1) 1))) (m 2)"),
                      "no rule of the macro fits"));
  BOOST_TEST(contains(error("(apply + 1)"), "apply: not a list"));
}

BOOST_AUTO_TEST_CASE(a_handler_that_returns_from_raise_is_one) {
  BOOST_TEST(contains(error("(with-exception-handler (lambda (e) 1) (lambda () (raise 2)))"),
                      "handler returned from raise"));
}

BOOST_AUTO_TEST_CASE(of_a_macro_without_end_and_of_forms_nested_too_deep) {
  BOOST_TEST(contains(error("(define-syntax m (syntax-rules () ((_ x) (m (x))))) (m 1)"),
                      "nested too deep"));
  BOOST_TEST(contains(error("(define (nest n) (if (= n 0) 1 (list (quote +) 1 (nest (- n 1))))) "
                            "(eval (nest 100000))"),
                      "nested too deep"));
  BOOST_TEST(
      contains(error("(read (open-input-string (make-string 100000 #\\()))"), "nested too deep"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(numbers)

BOOST_AUTO_TEST_CASE(have_62_bits_and_do_not_wrap) {
  BOOST_TEST(value("(+ 2305843009213693950 1)") == "2305843009213693951\n");
  BOOST_TEST(contains(error("(+ 2305843009213693951 1)"), "more than 62 bits"));
  BOOST_TEST(contains(error("(* 3037000500 3037000500)"), "more than 62 bits"));
  BOOST_TEST(contains(error("(- -2305843009213693952 1)"), "more than 62 bits"));
  BOOST_TEST(contains(error("2305843009213693952"), "more than 62 bits"));
  BOOST_TEST(contains(error("(exact 1e30)"), "more than 62 bits"));
  BOOST_TEST(contains(error("(expt 10 100)"), "more than 62 bits"));
  BOOST_TEST(contains(error("(apply * (list 9999999999 9999999999))"), "more than 62 bits"));
  BOOST_TEST(value("(expt 10. 100)") == "1.0e100\n");
}

BOOST_AUTO_TEST_CASE(without_fractions_division_is_inexact_where_it_does_not_come_out_even) {
  BOOST_TEST(value("(list (/ 6 3) (/ 1 4) 1/2)") == "(2 0.25 0.5)\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(calls)

BOOST_AUTO_TEST_CASE(in_tail_position_take_no_room) {
  const std::string limit = "ACRE_HARD_LIMIT=24MiB";
  BOOST_TEST(value("(let loop ((i 0)) (if (< i 1000000) (loop (+ i 1)) i))", limit) == "1000000\n");
  BOOST_TEST(value("(define (even n) (cond ((= n 0) #t) (else (odd (- n 1)))))"
                   "(define (odd n) (and (not (= n 0)) (even (- n 1)))) (even 1000000)",
                   limit) == "#t\n");
  BOOST_TEST(
      value("(define (f n) (apply (lambda (m) (if (= m 0) 0 (f (- m 1)))) (list n))) (f 300000)",
            limit) == "0\n");
  BOOST_TEST(value("(define (f n k) (if (= n 0) (k 0) (call/cc (lambda (k2) (f (- n 1) k2)))))"
                   "(f 100000 values)",
                   limit) == "0\n");
}

BOOST_AUTO_TEST_CASE(may_be_nested_deep) {
  BOOST_TEST(
      value("(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1))))) (deep 100000) (deep 1000000)") ==
      "100000\n1000000\n");
}

BOOST_AUTO_TEST_CASE(nested_without_end_are_an_error_that_can_be_handled) {
  BOOST_TEST(contains(error("(define (f) (+ 1 (f))) (f)"), "recursion too deep"));
  BOOST_TEST(value("(define (f) (+ 1 (f))) (guard (e (#t (error-object-message e))) (f))"
                   "(guard (e (#t 2)) (f)) (+ 1 2)") ==
             "\"recursion too deep: the stack of values is full\"\n2\n3\n");
}

BOOST_AUTO_TEST_CASE(of_continuations_are_for_once) {
  const std::string save = "(define saved #f) (define (save k) (set! saved k) 1)";
  // Returned, then thrown to; thrown to twice; thrown to, then returned.
  BOOST_TEST(contains(error(save + "(+ 1 (call/cc save)) (saved 5)"), "continuations go on once"));
  BOOST_TEST(contains(error(save + "(+ 1 (call/cc (lambda (k) (save k) (k 1)))) (saved 5)"),
                      "continuations go on once"));
  BOOST_TEST(contains(
      error(save +
            "(+ 1 (call/cc (lambda (leave) (+ 1 (call/cc (lambda (k) (save k) (leave 1)))))))"
            "(saved 5)"),
      "this call/cc has returned already"));
  BOOST_TEST(value(save + "(+ 1 (call/cc save)) (guard (e (#t 7)) (saved 5)) (+ 1 2)") ==
             "2\n7\n3\n");
}

BOOST_AUTO_TEST_CASE(of_many_generators_that_nobody_asks_again_leave_nothing) {
  BOOST_TEST(value("(define (forever) (make-coroutine-generator (lambda (give) (let loop ((i 0)) "
                   "(give i) (loop (+ i 1))))))"
                   "(let loop ((i 0) (sum 0)) (if (= i 20000) sum (let ((g (forever))) (g) (loop "
                   "(+ i 1) (+ sum (g))))))",
                   "ACRE_HARD_LIMIT=256MiB") == "20000\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(running_out_is_an_error_and_the_program_goes_on) {
  const std::string limit = "ACRE_HARD_LIMIT=8MiB";
  BOOST_TEST(value("(define (grow l) (grow (cons 1 l)))"
                   "(guard (e ((out-of-memory? e) (error-object-message e))) (grow (list)))"
                   "(length (make-list 1000 0))",
                   limit) == "\"out of memory\"\n1000\n");
  BOOST_TEST(value("(guard (e (#t (error-object-message e))) (make-vector 1000000000 0)) (+ 1 2)",
                   limit) == "\"out of memory\"\n3\n");
  BOOST_TEST(
      value("(guard (e (#t (error-object-message e))) (make-vector 2305843009213693951)) (+ 1 2)",
            limit) == "\"out of memory\"\n3\n");
  BOOST_TEST(contains(error("(define (grow l) (grow (cons 1 l))) (grow (list))", limit),
                      "out of memory\n"));
  BOOST_TEST(value("(define (f) (call/cc (lambda (k) (+ 1 (f))))) (guard (e (#t 0)) (f)) (+ 1 2)",
                   limit) == "0\n3\n");
}

BOOST_AUTO_TEST_CASE(for_what_is_read_is_an_error_too) {
  // A list of 16 MiB; what the reader had left of it is read as other forms.
  const Ran ran = acre::bench::run_program(
      "SH", "/bin/sh",
      "-c '(echo \"(length (quote (\"; yes 1 | head -n 1000000; echo \"))) (+ 40 2)\") | "
      "\"${SCHEME:-examples/scheme/scheme}\" 2>&1 | grep -v ^1$ '",
      "ACRE_HARD_LIMIT=15MiB");
  BOOST_TEST(contains(ran.output, "out of memory\n"), ran.output);
  BOOST_TEST(contains(ran.output, "unexpected closing parenthesis\n42\n"), ran.output);
}

BOOST_AUTO_TEST_CASE(what_nobody_refers_to_is_collected) {
  BOOST_TEST(
      value("(let loop ((i 0)) (if (< i 200) (begin (make-vector 100000 i) (loop (+ i 1))) i))",
            "ACRE_HARD_LIMIT=8MiB") == "200\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(printing)

BOOST_AUTO_TEST_CASE(ends_for_what_is_circular) {
  BOOST_TEST(value("(let ((x (list 1 2 3))) (set-cdr! (cddr x) x) x)") == "#0=(1 2 3 . #0#)\n");
  BOOST_TEST(value("(let ((v (vector 1 2))) (vector-set! v 1 v) v)") == "#0=#(1 #0#)\n");
  BOOST_TEST(value("(let ((x (list 1))) (list x x))") == "((1) (1))\n");
  BOOST_TEST(value("(let ((x (list 1))) (write-shared (list x x)))") == "(#0=(1) #0#)");
  BOOST_TEST(value("(let ((x (read (open-input-string \"#0=(a . #0#)\")))) (eq? x (cdr x)))") ==
             "#t\n");
  BOOST_TEST(value("(let loop ((i 0) (l (list))) (if (< i 100000) (loop (+ i 1) (list l)) (begin "
                   "(write l (open-output-string)) i)))") == "100000\n");
}

BOOST_AUTO_TEST_CASE(bars_what_would_not_be_read_back) {
  BOOST_TEST(value("(string->symbol \"a b\")") == "|a b|\n");
  BOOST_TEST(value("(list (string->symbol \"\") (string->symbol \"12\") (string->symbol \"+\"))") ==
             "(|| |12| +)\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(what_dies)

BOOST_AUTO_TEST_CASE(takes_its_entry_of_a_weak_table_along) {
  const std::string make =
      "(define t (make-weak-hash-table)) (define kept (list 1))"
      "(weak-hash-table-set! t kept 2305843009213693951) (weak-hash-table-set! t (list 2) 2)"
      "(let ((k (list 3))) (weak-hash-table-set! t k k))";
  BOOST_TEST(value(make + "(weak-hash-table-size t) (void (collect-garbage))"
                          "(list (weak-hash-table-size t) (weak-hash-table->alist t) "
                          "(weak-hash-table-ref t kept 0))",
                   "ACRE_VERIFY=1 ACRE_CLOBBER_FREE=1") ==
             "3\n(1 (((1) . 2305843009213693951)) 2305843009213693951)\n");
  BOOST_TEST(value(make + "(weak-hash-table-delete! t kept) (weak-hash-table-ref t kept 0)") ==
             "0\n");
  BOOST_TEST(contains(error("(weak-hash-table-set! (make-weak-hash-table) 5 1)"),
                      "keys that are objects: 5"));
}

BOOST_AUTO_TEST_CASE(of_many_keys_most_while_the_table_is_in_use) {
  for (const char* every : {"ACRE_GC_EVERY=0", "ACRE_GC_EVERY=1", "ACRE_GC_EVERY=13"}) {
    BOOST_TEST(value("(define t (make-weak-hash-table)) (define kept (list))"
                     "(do ((i 0 (+ i 1))) ((= i 200)) (let ((k (string #\\k)))"
                     "  (weak-hash-table-set! t k (cons k i)) (if (= 0 (modulo i 20)) (set! kept "
                     "(cons k kept)))))"
                     "(void (collect-garbage)) (list (weak-hash-table-size t)"
                     " (apply + (map (lambda (k) (cdr (weak-hash-table-ref t k #f))) kept)))",
                     std::string(every) + " ACRE_VERIFY=1 ACRE_CLOBBER_FREE=1") == "(10 900)\n");
  }
}

BOOST_AUTO_TEST_CASE(has_its_file_closed) {
  // More files than one process may have open.
  BOOST_TEST(
      value("(define path (string-append (get-environment-variable \"TEST_TMPDIR\") \"/x\"))"
            "(do ((i 0 (+ i 1))) ((= i 5000)) (write i (open-output-file path)))"
            "(do ((i 0 (+ i 1))) ((= i 5000)) (open-input-string \"x\")) (< (collect-garbage) 10)",
            "ulimit -n 256;") == "#t\n");
}

BOOST_AUTO_TEST_CASE(what_was_written_to_a_file_is_there_when_it_is_closed) {
  BOOST_TEST(value("(define path (string-append (get-environment-variable \"TEST_TMPDIR\") \"/y\"))"
                   "(call-with-output-file path (lambda (port) (write (list 1 \"two\" #\\3) port)))"
                   "(call-with-input-file path read) (with-input-from-file path read-line) "
                   "(file-exists? path)"
                   "(delete-file path) (file-exists? path)") ==
             "(1 \"two\" #\\3)\n\"(1 \\\"two\\\" #\\\\3)\"\n#t\n#f\n");
}

BOOST_AUTO_TEST_SUITE_END()
