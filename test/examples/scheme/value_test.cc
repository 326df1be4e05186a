// Values in the heap: what keeps an object alive, and what only looks as if it did.
#include <boost/test/unit_test.hpp>

#include "examples/scheme/value/arithmetic.h"

namespace {

using namespace scheme;  // NOLINT(google-build-using-namespace)

struct Fixture {
  Store store;

  bool is_alive(uint64_t address) {
    store.thread().collect();
    return acre_object_size(store.heap(), reinterpret_cast<void*>(address)) != 0;
  }
  // The address of a string that nothing refers to when this returns.
  [[gnu::noinline]] uint64_t lost_string() { return store.string(std::string_view("lost")).bits(); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(values, Fixture)

BOOST_AUTO_TEST_CASE(a_number_that_looks_like_an_address_keeps_nothing_alive) {
  const uint64_t address = lost_string();
  const Value number = Value::from_bits(address | 1);
  BOOST_TEST(number.is_fixnum());
  const Keep in_scope(store, number);
  const Keep in_pair(store, store.cons(number, number));
  const Keep in_tuple(store, store.tuple_of(Type::kVector, 3, number));
  store.kept.push_back(number);
  BOOST_TEST(!is_alive(address));
  BOOST_TEST(store.heap().verify());
}

BOOST_AUTO_TEST_CASE(a_reference_does_wherever_it_is) {
  uint64_t address = 0;
  {
    const Keep in_scope(store, store.string(std::string_view("x")));
    address = in_scope.get().bits();
    BOOST_TEST(is_alive(address));
  }
  BOOST_TEST(!is_alive(address));

  Keep holder(store);
  const auto in = [&](auto make) {
    address = lost_string();
    holder = make(Value::from_bits(address));
    BOOST_TEST(is_alive(address));
    holder = kFalse;
    BOOST_TEST(!is_alive(address));
  };
  in([&](Value value) { return store.cons(value, kNil); });
  in([&](Value value) { return store.cons(kNil, value); });
  in([&](Value value) { return store.tuple_of(Type::kVector, 2, value); });
  in([&](Value value) { return store.tuple_of(Type::kBox, {value}); });
  in([&](Value value) { return store.condition("error", "message", value); });
}

BOOST_AUTO_TEST_CASE(a_pair_is_found_by_its_tagged_reference) {
  const Keep list(store, store.cons(Value::fixnum(1), store.cons(Value::fixnum(2), kNil)));
  BOOST_TEST(list.get().is_pair());
  BOOST_TEST(!list.get().is_object());
  store.thread().collect();
  BOOST_TEST(car(cdr(list)).as_fixnum() == 2);
}

BOOST_AUTO_TEST_CASE(fixnums_are_what_they_were) {
  for (const int64_t number : {int64_t{0}, int64_t{1}, int64_t{-1}, kFixnumMax, kFixnumMin}) {
    BOOST_TEST(Value::fixnum(number).as_fixnum() == number);
    BOOST_TEST(Value::fixnum(number).is_fixnum());
    BOOST_TEST(!Value::fixnum(number).is_reference());
  }
}

BOOST_AUTO_TEST_CASE(the_same_name_is_the_same_symbol) {
  BOOST_TEST((store.symbol("a") == store.symbol("a")));
  BOOST_TEST((store.symbol("a") != store.symbol("b")));
}

BOOST_AUTO_TEST_CASE(what_is_equal_hashes_alike) {
  const Keep a(store, store.cons(store.string(std::string_view("xy")), kNil));
  const Keep b(store, store.cons(store.string(std::string_view("xy")), kNil));
  BOOST_TEST(equal(store, a, b));
  BOOST_TEST(!eqv(a, b));
  BOOST_TEST(hash_equal(a) == hash_equal(b));
}

BOOST_AUTO_TEST_SUITE_END()
