#include "runtime/base/print.h"

#include <errno.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "test/runtime/base/forked_child.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)

namespace {

template <class T>
std::string printed(T value) {
  Line line;
  line << value;
  return line.c_str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(print)

BOOST_AUTO_TEST_CASE(numbers_print_in_decimal_at_the_ends_of_their_types) {
  BOOST_TEST(printed(0) == "0");
  BOOST_TEST(printed(UINT64_MAX) == "18446744073709551615");
  BOOST_TEST(printed(INT64_MIN) == "-9223372036854775808");
  BOOST_TEST(printed(INT64_MAX) == "9223372036854775807");
  BOOST_TEST(printed(int8_t{-1}) == "-1");
  BOOST_TEST(printed(uint8_t{65}) == "65");
  BOOST_TEST(printed('A') == "A");
  BOOST_TEST(printed(true) == "true");
}

BOOST_AUTO_TEST_CASE(hexadecimal_numbers_and_addresses_have_a_prefix) {
  BOOST_TEST(printed(Hex{0}) == "0x0");
  BOOST_TEST(printed(Hex{UINT64_MAX}) == "0xffffffffffffffff");
  BOOST_TEST(printed(Addr(0x7f00'1234u)) == "0x7f001234");
}

BOOST_AUTO_TEST_CASE(fixed_point_numbers_are_rounded_to_their_decimals) {
  BOOST_TEST(printed(milliseconds(0)) == "0.000");
  BOOST_TEST(printed(milliseconds(1'234'567)) == "1.235");
  BOOST_TEST(printed(milliseconds(1'234'499)) == "1.234");
  BOOST_TEST(printed(milliseconds(999'999)) == "1.000");
  BOOST_TEST(printed(milliseconds(UINT64_MAX)) == "18446744073709.552");
  BOOST_TEST(printed(Fixed{15, 1, 0}) == "2");
  BOOST_TEST(printed(Fixed{42, 0, 0}) == "42");
  BOOST_TEST(printed(Fixed{1234, 2, 2}) == "12.34");
  BOOST_TEST(printed(Fixed{UINT64_MAX, 19, 19}) == "1.8446744073709551615");
}

BOOST_AUTO_TEST_CASE(byte_counts_print_for_people) {
  BOOST_TEST(printed(ByteCount(0)) == "0B");
  BOOST_TEST(printed(ByteCount(1023)) == "1023B");
  BOOST_TEST(printed(ByteCount(1024)) == "1KiB");
  BOOST_TEST(printed(ByteCount(1536)) == "1.5KiB");
  BOOST_TEST(printed(ByteCount(kMiB - 1)) == "1MiB");
  BOOST_TEST(printed(ByteCount(512 * kGiB)) == "512GiB");
  BOOST_TEST(printed(ByteCount(UINT64_MAX)) == "16EiB");
}

BOOST_AUTO_TEST_CASE(exact_sizes_print_without_loss) {
  BOOST_TEST(printed(ExactBytes{0}) == "0B");
  BOOST_TEST(printed(ExactBytes{1025}) == "1025B");
  BOOST_TEST(printed(ExactBytes{3 * kMiB}) == "3MiB");
  BOOST_TEST(printed(ExactBytes{2048 * 1024 * kGiB}) == "2048TiB");
  BOOST_TEST(printed(ExactBytes{SIZE_MAX}) == "none");
}

BOOST_AUTO_TEST_CASE(text_from_outside_is_quoted_cut_and_made_printable) {
  BOOST_TEST(printed(Quoted{"lots"}) == "\"lots\"");
  BOOST_TEST(printed(Quoted{"a\nb\x80"}) == "\"a?b?\"");
  BOOST_TEST(printed(Quoted{nullptr}) == "(null)");
  const std::string longer(100, 'x');
  BOOST_TEST(printed(Quoted{longer.c_str()}) == "\"" + std::string(64, 'x') + "...\"");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_full_ends_in_three_dots_and_takes_no_more) {
  Line line;
  const std::string exact(Line::kCapacity - 1, 'a');
  line << exact.c_str();
  BOOST_TEST(line.c_str() == exact);
  BOOST_TEST(!line.truncated());
  line << "b" << 1;
  BOOST_TEST(line.truncated());
  BOOST_TEST(line.length() == exact.size());
  BOOST_TEST(line.c_str() == std::string(Line::kCapacity - 4, 'a') + "...");
  line.clear();
  line << "again";
  BOOST_TEST(line.c_str() == "again");
  BOOST_TEST(!line.truncated());
}

BOOST_AUTO_TEST_CASE(a_null_text_prints_as_such) {
  BOOST_TEST(printed(static_cast<const char*>(nullptr)) == "(null)");
}

BOOST_AUTO_TEST_CASE(a_line_is_written_to_stderr_with_a_newline_and_errno_stays) {
  const acre::test::ChildEnd end = acre::test::in_forked_child([] {
    errno = 42;
    write_stderr(Line() << "pages: " << 12);
    Line full;
    for (int i = 0; i < 1000; ++i) full << 'f';
    write_stderr(full);
    close(STDERR_FILENO);
    write_stderr(Line() << "lost");
    return errno;
  });
  BOOST_TEST(end.exited_with(42));
  BOOST_TEST(end.stderr_text == "pages: 12\n" + std::string(Line::kCapacity - 4, 'f') + "...\n");
}

BOOST_AUTO_TEST_SUITE_END()
