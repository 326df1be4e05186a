// Words are told to be return addresses if they point behind a call in code, and no others.

#include "gc/audit/return_address.h"

#include <sys/mman.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <vector>

namespace acre::gc {
namespace {

uintptr_t address(const void* at) { return reinterpret_cast<uintptr_t>(at); }

// A page of code, which is read before the ranges are.
class Page {
 public:
  explicit Page(const std::vector<unsigned char>& code, int protection = PROT_READ | PROT_EXEC) {
    memory_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    BOOST_REQUIRE(memory_ != MAP_FAILED);
    std::copy(code.begin(), code.end(), static_cast<unsigned char*>(memory_) + kBefore);
    BOOST_REQUIRE(mprotect(memory_, kBytes, protection) == 0);
    next_ = address(memory_) + kBefore + code.size();
    ranges_->read();
  }
  ~Page() { munmap(memory_, kBytes); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  // Whether what lies behind the code is a return address.
  bool is_call() const { return is_return_address(*ranges_, next_); }
  uintptr_t start() const { return address(memory_); }
  const rt::CodeRanges& ranges() const { return *ranges_; }

  static constexpr size_t kBytes = 4096;

 private:
  static constexpr size_t kBefore = 16;

  void* memory_ = nullptr;
  uintptr_t next_ = 0;
  std::unique_ptr<rt::CodeRanges> ranges_ = std::make_unique<rt::CodeRanges>();
};

BOOST_AUTO_TEST_SUITE(return_address)

BOOST_AUTO_TEST_CASE(code_is_what_can_be_read_and_executed) {
  const Page code({});
  BOOST_TEST(code.ranges().contain(code.start(), code.start() + Page::kBytes));
  BOOST_TEST(!code.ranges().contain(code.start(), code.start()));
  const Page data({}, PROT_READ | PROT_WRITE);
  BOOST_TEST(!data.ranges().contain(data.start(), data.start() + 8));
  const auto& all = data.ranges();
  BOOST_TEST(all.contain(address(reinterpret_cast<const void*>(&is_return_address)),
                         address(reinterpret_cast<const void*>(&is_return_address)) + 16));
  int local = 0;
  BOOST_TEST(!all.contain(address(&local), address(&local) + 4));
  for (const uintptr_t word : {uintptr_t{0}, uintptr_t{7}, ~uintptr_t{0}}) {
    BOOST_TEST(!is_return_address(all, word));
  }
}

#if defined(__x86_64__)

BOOST_AUTO_TEST_CASE(each_form_of_a_call_is_known) {
  const std::vector<unsigned char> calls[] = {
      {0xe8, 1, 2, 3, 4},                    // call label
      {0xff, 0xd0},                          // call *%rax
      {0x41, 0xff, 0xd4},                    // call *%r12
      {0xff, 0x10},                          // call *(%rax)
      {0xff, 0x53, 0x18},                    // call *24(%rbx)
      {0xff, 0x14, 0xc1},                    // call *(%rcx,%rax,8)
      {0xff, 0x54, 0x24, 0x08},              // call *8(%rsp)
      {0xff, 0x15, 1, 2, 3, 4},              // call *label(%rip)
      {0xff, 0x90, 0, 1, 0, 0},              // call *256(%rax)
      {0xff, 0x14, 0xc5, 1, 2, 3, 4},        // call *label(,%rax,8)
      {0xff, 0x94, 0x24, 0, 1, 0, 0},        // call *256(%rsp)
      {0x90, 0x90, 0x67, 0xe8, 1, 2, 3, 4},  // as linkers write it
  };
  for (const auto& bytes : calls) {
    BOOST_TEST(Page(bytes).is_call(), "of " << bytes.size() << " bytes, " << int{bytes[1]});
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_call_is_not) {
  const std::vector<unsigned char> others[] = {
      {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90},
      {0xe9, 1, 2, 3, 4},        // jmp label
      {0xff, 0xe0},              // jmp *%rax
      {0xff, 0x30},              // push (%rax)
      {0xff, 0x25, 1, 2, 3, 4},  // jmp *label(%rip)
      {0xe8, 1, 2, 3, 4, 0x90},  // one byte behind the place
      {0xff, 0xd0, 0x90},        // the same
      {0x48, 0x8b, 0x43, 0x18},  // mov 24(%rbx), %rax
  };
  for (const auto& bytes : others) {
    BOOST_TEST(!Page(bytes).is_call(), "of " << bytes.size() << " bytes, " << int{bytes[1]});
  }
  BOOST_TEST(!Page({0xe8, 1, 2, 3, 4}, PROT_READ).is_call());  // no code
}

#endif

__attribute__((noinline)) bool called_from_here(const rt::CodeRanges& ranges) {
  return is_return_address(ranges, address(__builtin_return_address(0)));
}

BOOST_AUTO_TEST_CASE(a_real_one_is) {
  const auto ranges = std::make_unique<rt::CodeRanges>();
  BOOST_TEST(!called_from_here(*ranges));  // nothing is known yet
  ranges->read();
  BOOST_TEST(called_from_here(*ranges));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
