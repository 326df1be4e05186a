// The reader and the printer: what is printed reads back, and no input at all brings the reader down.
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

#include "examples/scheme/text/numbers.h"
#include "examples/scheme/text/printer.h"
#include "examples/scheme/text/reader.h"

namespace {

using namespace scheme;  // NOLINT(google-build-using-namespace)

// All data of the text, as they are written again; "error" where the reader said so.
std::string read_all(Store& store, const std::string& text) {
  TextInput input(from_utf8(text));
  Reader reader(store, input);
  std::string out;
  for (;;) {
    Keep datum(store);
    try {
      datum = reader.read();
    } catch (const Raised&) {
      return out + "error";
    }
    if (datum.get() == kEof) return out;
    out += print(datum, Style::kWrite) + " ";
  }
}

struct Fixture {
  Store store;
  uint32_t file = store.file_number("test");
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reader, Fixture)

BOOST_AUTO_TEST_CASE(what_is_printed_reads_back) {
  for (const char* text :
       {"(a . b) ", "(1 (2 #(3 \"x\\ny\") #\\a) . c) ", "#u8(0 255) ", "#t #f () ",
        "\"\\\\ \\\" \\x1;\" ", "#\\x1 #\\space #\\delete #\\λ ", "|a b| |c\\|d| || ",
        "1.5 -0.0 1.0e100 +inf.0 -inf.0 +nan.0 1.0e-7 ",
        "2305843009213693951 -2305843009213693952 ", "#0=(a #0# #1=(b . #1#)) "}) {
    BOOST_TEST(read_all(store, text) == text);
  }
}

BOOST_AUTO_TEST_CASE(syntax_in_its_other_forms) {
  BOOST_TEST(read_all(store, "'a `(b ,c ,@d)") ==
             "(quote a) (quasiquote (b (unquote c) (unquote-splicing d))) ");
  BOOST_TEST(read_all(store, "(1 ; comment\n #| a #| nested |# b |# 2 #;(3 4) 5)#;6 7") ==
             "(1 2 5) 7 ");
  BOOST_TEST(read_all(store, "#true #false #xFF #b-101 #e2.0 #i2 1/2 [a b] \"a\\\n   b\"") ==
             "#t #f 255 -5 2 2.0 0.5 (a b) \"ab\" ");
  BOOST_TEST(read_all(store, "+ - ... -> 1+ .5 -.5 +5 a.b") == "+ - ... -> 1+ 0.5 -0.5 5 a.b ");
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_an_error) {
  for (const char* text : {"(",
                           ")",
                           "(1 . )",
                           "(1 . 2 3)",
                           "\"abc",
                           "#\\",
                           "#\\frog",
                           "#(1",
                           "#u8(256)",
                           "#u8(a)",
                           "#0#",
                           "#0=#0#",
                           "#|",
                           "#;",
                           "|abc",
                           "\"\\q\"",
                           "#frob",
                           "'",
                           "99999999999999999999",
                           "#99999999999999=a",
                           "(#;",
                           "#\\xd800"}) {
    BOOST_TEST_CONTEXT(text) {
      const std::string read = read_all(store, text);
      BOOST_TEST(read.ends_with("error"), read);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_error_says_where) {
  TextInput input(U"(a\n  b #\\frog)", file);
  Reader reader(store, input);
  try {
    (void)reader.read();
    BOOST_TEST(false);
  } catch (const Raised& raised) {
    BOOST_TEST(to_utf8(text_of(tuple(raised.payload)->at(kPosition))) == "test:2:7");
  }
}

BOOST_AUTO_TEST_CASE(the_place_of_each_list_is_remembered) {
  TextInput input(U"\n (a (b\n c))", file);
  Places places;
  const Keep read(store, Reader(store, input, &places).read());
  BOOST_TEST(places.at(read.get().as_pair()).line == 2);
  BOOST_TEST(places.at(read.get().as_pair()).column == 2);
  BOOST_TEST(places.at(car(cdr(read)).as_pair()).column == 5);
}

BOOST_AUTO_TEST_CASE(nested_too_deep_is_an_error_and_long_is_none) {
  BOOST_TEST(read_all(store, std::string(1000000, '(')) == "error");
  BOOST_TEST(read_all(store, std::string(1000000, '\'')) == "error");
  std::string list = "(";
  for (int i = 0; i < 100000; ++i) list += "1 ";
  BOOST_TEST(read_all(store, list + ")").size() == 200002);
  BOOST_TEST(read_all(store, std::string(1000000, 'a')).size() == 1000001);
}

BOOST_AUTO_TEST_CASE(no_bytes_bring_it_down) {
  const unsigned seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937 random(seed);
    const std::string likely = "()()'`,@#\\\"|;. \n019ae+-/tfxu8=[]";
    for (int round = 0; round < 3000; ++round) {
      std::string text;
      const bool any = round % 2 == 0;
      for (unsigned left = random() % 120; left > 0; --left) {
        text.push_back(any ? static_cast<char>(random()) : likely[random() % likely.size()]);
      }
      // What was read and printed is read the same way again.
      std::string once = read_all(store, text);
      if (once.ends_with("error")) once.resize(once.size() - 5);
      BOOST_TEST(read_all(store, once) == once, text);
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_are_the_shortest_that_read_back) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof(number));
    if (number != number) continue;
    const Keep value(store, store.flonum(number));
    const Value again = parse_number(store, number_to_string(value));
    BOOST_TEST_REQUIRE(is_flonum(again));
    BOOST_TEST_REQUIRE(again.as<Flonum>()->number == number);
  }
}

BOOST_AUTO_TEST_SUITE_END()
