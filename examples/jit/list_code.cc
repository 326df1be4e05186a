#include "examples/jit/list_code.h"

#include <sys/mman.h>

#include <cstring>
#include <initializer_list>
#include <vector>

namespace jit {
namespace {

#if defined(__x86_64__)

// Bytes of x86-64, with jumps to places that come later.
class Assembler {
 public:
  void code(std::initializer_list<int> bytes) {
    for (const int byte : bytes) code_.push_back(static_cast<uint8_t>(byte));
  }
  template <class Int>
  void number(Int value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    code_.insert(code_.end(), bytes, bytes + sizeof(value));
  }

  // A jump of 32 bits, whose opcode this is; returns where its distance is to be written.
  size_t jump(std::initializer_list<int> opcode) {
    code(opcode);
    number(int32_t{0});
    return code_.size();
  }
  void land(size_t jump, size_t target) {
    const auto distance = static_cast<int32_t>(target) - static_cast<int32_t>(jump);
    std::memcpy(&code_[jump - sizeof(distance)], &distance, sizeof(distance));
  }
  void land_here(size_t jump) { land(jump, code_.size()); }
  void jump_back(size_t target) { land(jump({0xe9}), target); }

  template <class Function>
  void call(Function* function) {
    code({0x48, 0xb8});  // movabs function, %rax
    number(reinterpret_cast<uint64_t>(function));
    code({0xff, 0xd0});  // call *%rax
  }

  size_t here() const { return code_.size(); }
  const std::vector<uint8_t>& bytes() const { return code_; }

 private:
  std::vector<uint8_t> code_;
};

// The function in its parts. rbx: the thread, r12: how many are still to be made, r13: the last node, r14: the first,
// r15: the new one.
class ListCode {
 public:
  ListCode(const acre_jit_facts& facts, acre_kind kind) : facts_(facts), kind_(kind) {}

  std::vector<uint8_t> emit() {
    a_.code({0x53, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57});  // push all five
    a_.code({0x48, 0x89, 0xfb, 0x49, 0x89, 0xf4});  // mov %rdi, %rbx; mov %rsi, %r12
    a_.code({0x45, 0x31, 0xed, 0x45, 0x31, 0xf6});  // no last node, no first
    loop_ = a_.here();
    a_.code({0x4d, 0x85, 0xe4});  // test %r12, %r12
    const size_t done = a_.jump({0x0f, 0x84});
    allocate();
    link();
    poll();
    a_.jump_back(loop_);

    a_.land_here(done);
    a_.code({0x4c, 0x89, 0xf0});  // mov %r14, %rax
    const size_t leave = a_.here();
    a_.code({0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5b, 0xc3});  // pop all, ret
    call_alloc(leave);
    begin_list();
    call_store();
    call_safepoint();
    return a_.bytes();
  }

 private:
  void allocate() {
    const uint32_t gap = acre_jit_gap(&facts_, sizeof(Node), kind_);
    a_.code({0x48, 0x8b, 0x83});  // mov cursor(%rbx), %rax
    a_.number(gap + facts_.gap_cursor);
    a_.code({0x48, 0x8d, 0x90});  // lea size(%rax), %rdx
    a_.number(acre_jit_object_bytes(&facts_, sizeof(Node)));
    a_.code({0x48, 0x3b, 0x93});  // cmp limit(%rbx), %rdx
    a_.number(gap + facts_.gap_limit);
    no_room_ = a_.jump({0x0f, 0x87});
    a_.code({0x48, 0x89, 0x93});  // mov %rdx, cursor(%rbx)
    a_.number(gap + facts_.gap_cursor);
    have_ = a_.here();
    a_.code(
        {0x4c, 0x89, 0x60, offsetof(Node, value), 0x49, 0x89, 0xc7});  // its value; mov %rax, %r15
  }

  // The last node refers to the new one, by the barrier.
  void link() {
    a_.code({0x4d, 0x85, 0xed});  // test %r13, %r13
    first_ = a_.jump({0x0f, 0x84});
    a_.code({0x83, 0xbb});  // cmpl $0, phase(%rbx)
    a_.number(facts_.phase);
    a_.code({0x00});
    in_phase_ = a_.jump({0x0f, 0x85});
    a_.code({0x4d, 0x89, 0x7d, offsetof(Node, next)});  // mov %r15, next(%r13)
    linked_ = a_.here();
    a_.code({0x4d, 0x89, 0xfd, 0x49, 0xff, 0xcc});  // mov %r15, %r13; dec %r12
  }

  // (The loop allocates, so it could do without.)
  void poll() {
    a_.code({0x83, 0xbb});  // cmpl $0, stop_requested(%rbx)
    a_.number(facts_.stop_requested);
    a_.code({0x00});
    stop_ = a_.jump({0x0f, 0x85});
  }

  void call_alloc(size_t leave) {
    a_.land_here(no_room_);
    a_.code({0x48, 0x89, 0xdf, 0xbe});  // mov %rbx, %rdi; mov bytes, %esi
    a_.number(static_cast<uint32_t>(sizeof(Node)));
    a_.code({0xba});  // mov kind, %edx
    a_.number(kind_);
    a_.call(facts_.alloc);
    a_.code({0x48, 0x85, 0xc0});  // test %rax, %rax
    a_.land(a_.jump({0x0f, 0x84}), leave);
    a_.jump_back(have_);
  }

  void begin_list() {
    a_.land_here(first_);
    a_.code({0x4d, 0x89, 0xfe});  // mov %r15, %r14
    a_.jump_back(linked_);
  }

  void call_store() {
    a_.land_here(in_phase_);
    a_.code({0x48, 0x89, 0xdf, 0x4c, 0x89, 0xee});                        // the thread, the object,
    a_.code({0x49, 0x8d, 0x55, offsetof(Node, next), 0x4c, 0x89, 0xf9});  // the slot, the value
    a_.call(facts_.store_slow);
    a_.jump_back(linked_);
  }

  void call_safepoint() {
    a_.land_here(stop_);
    a_.code({0x48, 0x89, 0xdf});  // mov %rbx, %rdi
    a_.call(facts_.safepoint_slow);
    a_.jump_back(loop_);
  }

  const acre_jit_facts& facts_;
  acre_kind kind_;
  Assembler a_;
  // Places to jump to.
  size_t loop_ = 0;
  size_t have_ = 0;
  size_t linked_ = 0;
  // Jumps to what comes later.
  size_t no_room_ = 0;
  size_t first_ = 0;
  size_t in_phase_ = 0;
  size_t stop_ = 0;
};

std::vector<uint8_t> emit(const acre_jit_facts& facts, acre_kind kind) {
  return ListCode(facts, kind).emit();
}

#else

std::vector<uint8_t> emit(const acre_jit_facts&, acre_kind) { return {}; }

#endif

}  // namespace

Code generate(const acre_jit_facts& facts, acre_kind kind) {
  const std::vector<uint8_t> bytes = emit(facts, kind);
  if (bytes.empty()) return {};
  void* memory =
      mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return {};
  std::memcpy(memory, bytes.data(), bytes.size());
  if (mprotect(memory, bytes.size(), PROT_READ | PROT_EXEC) != 0) {
    munmap(memory, bytes.size());
    return {};
  }
  return {reinterpret_cast<MakeList>(memory), bytes.size()};
}

Node* interpret(const acre_jit_facts& facts, acre_kind kind, acre_thread* thread, uint64_t count) {
  auto* at = reinterpret_cast<char*>(thread);
  auto* gap = at + acre_jit_gap(&facts, sizeof(Node), kind);
  auto* cursor = reinterpret_cast<uintptr_t*>(gap + facts.gap_cursor);
  const auto* limit = reinterpret_cast<uintptr_t*>(gap + facts.gap_limit);
  const auto* phase = reinterpret_cast<uint32_t*>(at + facts.phase);
  const auto* stop = reinterpret_cast<uint32_t*>(at + facts.stop_requested);
  Node* first = nullptr;
  Node* last = nullptr;
  for (; count != 0; --count) {
    auto* node = reinterpret_cast<Node*>(*cursor);
    const uintptr_t next = *cursor + acre_jit_object_bytes(&facts, sizeof(Node));
    if (next > *limit) {
      node = static_cast<Node*>(facts.alloc(thread, sizeof(Node), kind));
      if (node == nullptr) return nullptr;
    } else {
      __atomic_store_n(cursor, next, __ATOMIC_RELAXED);
    }
    node->value = count;
    if (last == nullptr) {
      first = node;
    } else if (__atomic_load_n(phase, __ATOMIC_RELAXED) != 0) {
      facts.store_slow(thread, last, reinterpret_cast<void**>(&last->next), node);
    } else {
      __atomic_store_n(&last->next, node, __ATOMIC_RELEASE);
    }
    last = node;
    if (__atomic_load_n(stop, __ATOMIC_RELAXED) != 0) facts.safepoint_slow(thread);
  }
  return first;
}

}  // namespace jit
