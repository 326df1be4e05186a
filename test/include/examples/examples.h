// What the examples in the headers' comments find around them: `Node`, `heap`, `thread`, and an assert that is not left
// out.
#ifndef ACRE_TEST_INCLUDE_EXAMPLES_EXAMPLES_H_
#define ACRE_TEST_INCLUDE_EXAMPLES_EXAMPLES_H_

#include <acre/acre.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#undef assert
#define assert(condition) BOOST_REQUIRE(condition)

#pragma GCC diagnostic ignored "-Wshadow"  // acre.hpp's own example makes heap and thread
#pragma GCC diagnostic ignored "-Wunused"

namespace {

struct Node {
  acre::Member<Node> next;
  long value = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};

enum Mode { kScanned, kPrecise };

struct Fixture {
  explicit Fixture(Mode mode) : heap(options(mode)) {}

  static acre::Options options(Mode mode) {
    acre::Options options;
    options.reserve_bytes = size_t{256} << 20;
    options.clobber_free = 1;
    options.verify = 1;
    options.gc_every = mode == kPrecise ? 1 : 3;
    options.conservative_stacks = mode == kPrecise ? 0 : 1;
    return options;
  }

  acre::Heap heap;
  acre::Thread thread{heap};
};

}  // namespace

#endif  // ACRE_TEST_INCLUDE_EXAMPLES_EXAMPLES_H_
