// acre.h is C11 without extensions that a pedantic compiler would refuse, and C++20, and its example
// does what it says.

#include <acre/acre.h>
#include <acre/acre.h>  // guarded

#include <string>
#include <type_traits>

#include "test/gc/api/heap_fixture.h"

extern "C" {
const char* example_of_the_header(void);
const char* kinds_and_stats_from_c(void);
}

namespace acre::test {
namespace {

static_assert(std::is_same_v<decltype(&acre_alloc), void* (*)(acre_thread*, size_t, acre_kind)>);
static_assert(std::is_standard_layout_v<acre_stats> && std::is_trivial_v<acre_stats>);
static_assert(std::is_standard_layout_v<acre_options> && std::is_trivial_v<acre_options>);

BOOST_AUTO_TEST_SUITE(header)

BOOST_AUTO_TEST_CASE(the_example_at_its_head_works_in_c) {
  (void)plain_options();  // clears the environment
  BOOST_TEST(std::string(example_of_the_header()) == "fine");
}

BOOST_AUTO_TEST_CASE(kinds_walk_and_stats_work_in_c) {
  BOOST_TEST(std::string(kinds_and_stats_from_c()) == "fine");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
