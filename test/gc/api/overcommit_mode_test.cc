// vm.overcommit_memory=2 for true: NULL when the system charges no more, and the charge falls with the memory.
// Only with ACRE_TEST_SYSTEM=1 as root; strict_commit_test.cc pretends, anywhere.

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/system_setting.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

#if !ACRE_TEST_SHADOW_MEMORY

uint64_t meminfo_kib(const char* name) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name, 0) == 0)
      return std::strtoull(line.c_str() + std::strlen(name), nullptr, 10);
  }
  return 0;
}

// In mode 2: grows until NULL, collects, gives back. 0, or what went wrong.
int to_the_limit_of_the_charge() {
  acre_options options = precise_options();
  options.reserve_bytes = 16 * kGiB;
  acre_heap* heap = nullptr;
  acre_thread* thread = nullptr;
  if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
  if (acre_thread_attach(heap, &thread) != ACRE_OK) return 2;
  acre_handle* list = acre_handle_new(thread, nullptr);
  acre_stats stats{};
  stats.struct_size = sizeof(stats);
  acre_stats_read(heap, &stats);
  if (stats.strict_commit != 1) return 3;
  size_t got = 0;
  for (;; ++got) {
    // Not touched: it is charged all the same.
    auto** node = static_cast<void**>(acre_alloc(thread, kMiB, ACRE_KIND_CONSERVATIVE));
    if (node == nullptr) break;
    node[0] = acre_handle_get(list);
    acre_handle_set(list, node);
    if (got > 8000) return 4;
  }
  if (acre_last_error(thread) != ACRE_E_NOMEM) return 5;
  const uint64_t full_kib = meminfo_kib("Committed_AS:");
  std::fprintf(stderr, "NULL after %zu MiB, the system has charged %lu MiB\n", got,
               static_cast<unsigned long>(full_kib / 1024));
  if (got < 500) return 6;
  if (acre_verify(heap, nullptr, nullptr) != ACRE_OK) return 7;
  acre_collect(thread);
  acre_handle_set(list, nullptr);
  acre_release_memory(thread);
  const uint64_t after_kib = meminfo_kib("Committed_AS:");
  std::fprintf(stderr, "given back: %lu MiB\n", static_cast<unsigned long>(after_kib / 1024));
  if (full_kib < after_kib + got * 1024 * 8 / 10) return 8;
  acre_stats_read(heap, &stats);
  if (stats.committed > 64 * kMiB) return 9;
  for (size_t i = 0; i < got / 2; ++i) {
    if (acre_alloc(thread, kMiB, ACRE_KIND_LEAF) == nullptr) return 10;
  }
  return acre_heap_destroy(heap) == ACRE_OK ? 0 : 11;
}

#endif

BOOST_AUTO_TEST_SUITE(overcommit_mode)

#if !ACRE_TEST_SHADOW_MEMORY

BOOST_AUTO_TEST_CASE(in_the_true_mode_it_gets_null_at_the_limit_and_gives_the_charge_back) {
  if (!may_change_system()) return say_skipped("vm.overcommit_memory=2");
  // What is charged now and 2 GiB: nobody else on the machine is hurt meanwhile.
  const uint64_t kib = meminfo_kib("Committed_AS:") + (2 << 20);
  const std::string old_ratio = read_setting("/proc/sys/vm/overcommit_ratio");
  const std::string old_mode = read_setting("/proc/sys/vm/overcommit_memory");
  ChildEnd end;
  {
    // Setting one of kbytes and ratio makes the other 0; put back in reverse, ratio is the last.
    const SystemSettings settings({{"/proc/sys/vm/overcommit_ratio", old_ratio},
                                   {"/proc/sys/vm/overcommit_kbytes", std::to_string(kib)},
                                   {"/proc/sys/vm/overcommit_memory", "2"}});
    end = in_forked_child([] {
      alarm(60);
      return to_the_limit_of_the_charge();
    });
  }
  std::fprintf(stderr, "%s", end.stderr_text.c_str());
  BOOST_TEST(end.exited_with(0), "status " << end.status);
  BOOST_TEST(read_setting("/proc/sys/vm/overcommit_memory") == old_mode);
  BOOST_TEST(read_setting("/proc/sys/vm/overcommit_ratio") == old_ratio);
}

#else

BOOST_AUTO_TEST_CASE(the_shadows_of_sanitizers_cannot_be_charged) {}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
