// What runtime/os/limits.h reads from trees of files that look like /proc and /sys/fs/cgroup.

#include "runtime/os/limits.h"

#include <errno.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/os/proc_text.h"
#include "test/runtime/os/fake_root.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)

namespace {

// Not a number of whole MiB, so that no test takes it for another limit.
constexpr uint64_t kPhysical = 24683656 * kKiB;
constexpr const char* kNoLimit1 = "9223372036854771712\n";

std::string mib(uint64_t count) { return std::to_string(count * kMiB) + "\n"; }

std::string mount_2(const std::string& root, const std::string& point) {
  return "41 31 0:38 " + root + " " + point +
         " rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
}
std::string mount_1(const std::string& root, const std::string& point,
                    const std::string& options = "rw,memory") {
  return "35 31 0:32 " + root + " " + point + " rw,relatime - cgroup cgroup " + options + "\n";
}

// A fake / with physical memory and mounts that are not cgroups.
struct FakeSystem : acre::test::FakeRoot {
  FakeSystem() {
    write("/proc/meminfo", "MemTotal:       24683656 kB\nMemFree:        1000 kB\n");
    write("/proc/self/cgroup", "");
    mounts("");
  }
  void groups(const std::string& lines) { write("/proc/self/cgroup", lines); }
  void mounts(const std::string& lines) {
    write("/proc/self/mountinfo",
          "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
          "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n" +
              lines);
  }
  // The limit of a group of version 2: both files.
  void limit_2(const std::string& folder, const std::string& max,
               const std::string& high = "max\n") {
    write(folder + "/memory.max", max);
    write(folder + "/memory.high", high);
  }
  void limit_1(const std::string& folder, const std::string& limit) {
    write(folder + "/memory.limit_in_bytes", limit);
  }

  void check(uint64_t bytes, CeilingSource source) const {
    const MemoryCeiling ceiling = memory_ceiling(c_str());
    BOOST_TEST(ceiling.bytes.raw == bytes);
    BOOST_TEST(name_of(ceiling.source) == name_of(source));
  }
  void check_mib(uint64_t count, CeilingSource source) const { check(count * kMiB, source); }
  void check_physical() const { check(kPhysical, CeilingSource::kPhysical); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_ceiling_of_a_fake_system)

BOOST_FIXTURE_TEST_CASE(without_groups_it_is_physical_memory, FakeSystem) { check_physical(); }

BOOST_AUTO_TEST_CASE(without_proc_nothing_is_known) {
  acre::test::FakeRoot empty;
  const MemoryCeiling ceiling = memory_ceiling(empty.c_str());
  BOOST_TEST(ceiling.bytes.raw == 0u);
  BOOST_TEST((ceiling.source == CeilingSource::kNone));
}

BOOST_FIXTURE_TEST_CASE(a_limit_is_known_where_physical_memory_is_not, FakeSystem) {
  write("/proc/meminfo", "MemFree: 5 kB\n");
  groups("0::/app\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup/app", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
  limit_2("/sys/fs/cgroup/app", "max\n");
  check(0, CeilingSource::kNone);
}

BOOST_FIXTURE_TEST_CASE(physical_memory_that_is_no_number_is_passed_over, FakeSystem) {
  for (const char* total : {"MemTotal:\n", "MemTotal: many kB\n", "MemTotal: 0 kB\n", "",
                            "MemTotal: 99999999999999999999999 kB\n",
                            "MemTotal: 18014398509481985 kB\n", "XMemTotal: 5 kB\n"}) {
    write("/proc/meminfo", total);
    check(0, CeilingSource::kNone);
  }
}

BOOST_FIXTURE_TEST_CASE(memory_max_of_the_own_group_counts, FakeSystem) {
  groups("0::/app\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup/app", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_limit_no_less_than_physical_memory_does_not_count, FakeSystem) {
  groups("0::/app\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  for (const uint64_t limit : {kPhysical, kPhysical + 1}) {
    limit_2("/sys/fs/cgroup/app", std::to_string(limit));
    check_physical();
  }
}

BOOST_FIXTURE_TEST_CASE(the_tightest_of_nested_groups_counts_wherever_it_is, FakeSystem) {
  groups("0::/a/b/c\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  const std::vector<std::string> folders = {"", "/a", "/a/b", "/a/b/c"};
  for (const std::string& tight : folders) {
    for (const std::string& folder : folders) {
      limit_2("/sys/fs/cgroup" + folder, folder == tight ? mib(48) : mib(64));
    }
    BOOST_TEST_CONTEXT(tight) { check_mib(48, CeilingSource::kCgroup2Max); }
  }
  limit_2("/sys/fs", mib(1));  // above the mount
  limit_2("/sys/fs/cgroup/a/b/c/d", mib(1));
  limit_2("/sys/fs/cgroup/b", mib(1));
  check_mib(48, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(memory_high_below_max_counts_and_is_named, FakeSystem) {
  groups("0::/app\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup/app", mib(64), mib(48));
  check_mib(48, CeilingSource::kCgroup2High);
  limit_2("/sys/fs/cgroup/app", "max\n", mib(48));
  check_mib(48, CeilingSource::kCgroup2High);
  limit_2("/sys/fs/cgroup/app", mib(64), mib(80));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(max_everywhere_leaves_physical_memory, FakeSystem) {
  groups("4:memory:/one\n0::/two\n");
  mounts(mount_1("/", "/sys/fs/cgroup/memory") + mount_2("/", "/sys/fs/cgroup/unified"));
  limit_2("/sys/fs/cgroup/unified/two", "max\n");
  limit_1("/sys/fs/cgroup/memory/one", kNoLimit1);
  check_physical();
}

BOOST_FIXTURE_TEST_CASE(huge_numbers_of_version_1_are_no_limit_even_alone, FakeSystem) {
  write("/proc/meminfo", "");
  groups("4:memory:/one\n");
  mounts(mount_1("/", "/sys/fs/cgroup/memory"));
  for (const char* huge : {kNoLimit1, "9223372036854775807\n", "18446744073709551615\n",
                           "9223372036854710272\n"}) {  // the last: pages of 64 KiB
    limit_1("/sys/fs/cgroup/memory/one", huge);
    check(0, CeilingSource::kNone);
  }
}

BOOST_FIXTURE_TEST_CASE(rubbish_and_zero_are_passed_over, FakeSystem) {
  groups("0::/app\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup", mib(64));
  for (const std::string& text :
       {std::string("0\n"), std::string(), std::string("\n"), std::string("-5\n"),
        std::string("12 MiB\n"), std::string("0x100000\n"), std::string("99999999999999999999\n"),
        std::string("1048576\n2\n"), std::string("1048576\0\n", 9), std::string(100, '1')}) {
    limit_2("/sys/fs/cgroup/app", text, text);
    BOOST_TEST_CONTEXT(text) { check_mib(64, CeilingSource::kCgroup2Max); }
  }
  limit_2("/sys/fs/cgroup/app", "1048576");  // no newline is no rubbish
  check_mib(1, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(version_1_is_read_up_the_tree, FakeSystem) {
  groups("9:name=systemd:/x\n5:cpu,memory,pids:/a/b\n3:cpuset:/y\n");
  mounts(mount_1("/", "/sys/fs/cgroup/cpu", "rw,cpu") +
         mount_1("/", "/sys/fs/cgroup/all", "rw,cpu,memory,pids"));
  limit_1("/sys/fs/cgroup/all/a/b", mib(64));
  limit_1("/sys/fs/cgroup/all/a", kNoLimit1);
  limit_1("/sys/fs/cgroup/all", kNoLimit1);
  write("/sys/fs/cgroup/all/a/memory.use_hierarchy", "0\n");
  limit_1("/sys/fs/cgroup/cpu/a/b", mib(1));
  check_mib(64, CeilingSource::kCgroup1);
  limit_1("/sys/fs/cgroup/all/a", mib(48));
  check_mib(48, CeilingSource::kCgroup1);
}

BOOST_FIXTURE_TEST_CASE(names_like_memory_are_not_memory, FakeSystem) {
  groups("7:name=memory:/x\n5:memory:/a\n4:memory2,hugememory:/x\n");
  mounts(mount_1("/", "/trap1", "rw,name=memory") + mount_1("/", "/trap2", "rw,memory2") +
         "1 2 0:3 / /trap3 rw,memory - tmpfs tmpfs rw,memory\n" + mount_1("/", "/right"));
  for (const char* trap : {"/trap1", "/trap2", "/trap3", "/right"}) {
    limit_1(trap + std::string("/x"), mib(1));
    limit_1(trap + std::string("/a"), mib(std::string(trap) == "/right" ? 64 : 1));
  }
  check_mib(64, CeilingSource::kCgroup1);
}

BOOST_FIXTURE_TEST_CASE(a_hybrid_takes_memory_from_version_1, FakeSystem) {
  groups("4:memory:/app\n1:cpu:/other\n0::/\n");
  mounts(mount_1("/", "/sys/fs/cgroup/cpu", "rw,cpu") + mount_1("/", "/sys/fs/cgroup/memory") +
         mount_2("/", "/sys/fs/cgroup/unified"));
  write("/sys/fs/cgroup/unified/cgroup.controllers", "\n");
  limit_1("/sys/fs/cgroup/memory/app", mib(64));
  check_mib(64, CeilingSource::kCgroup1);
}

BOOST_FIXTURE_TEST_CASE(a_version_that_the_process_is_not_in_is_not_read, FakeSystem) {
  groups("0::/app\n");
  mounts(mount_1("/", "/sys/fs/cgroup/memory") + mount_2("/", "/sys/fs/cgroup/unified"));
  limit_1("/sys/fs/cgroup/memory", mib(1));
  limit_2("/sys/fs/cgroup/unified/app", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_container_with_a_namespace_sees_its_group_as_the_root, FakeSystem) {
  groups("0::/\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_container_without_a_namespace_is_taken_below_the_mounts_root,
                        FakeSystem) {
  groups("4:memory:/docker/0123abcd\n");
  mounts(mount_1("/docker/0123abcd", "/sys/fs/cgroup/memory"));
  limit_1("/sys/fs/cgroup/memory", mib(64));
  limit_1("/sys/fs/cgroup/memory/docker/0123abcd", mib(1));
  check_mib(64, CeilingSource::kCgroup1);
}

BOOST_FIXTURE_TEST_CASE(a_group_below_a_bind_mount_is_read_up_to_the_mount_point, FakeSystem) {
  groups("0::/machine/box/service/worker\n");
  mounts(mount_2("/machine/box", "/mnt/groups"));
  limit_2("/mnt/groups/service/worker", mib(80));
  limit_2("/mnt/groups/service", mib(64));
  limit_2("/mnt/groups", mib(72));
  limit_2("/mnt", mib(1));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_bind_mount_of_another_group_does_not_hide_the_right_one, FakeSystem) {
  groups("0::/machine/box\n");
  mounts(mount_2("/machine/bo", "/mnt/prefix") + mount_2("/other", "/mnt/other") +
         mount_2("/", "/sys/fs/cgroup"));
  limit_2("/mnt/prefix", mib(1));
  limit_2("/mnt/prefix/x", mib(1));
  limit_2("/mnt/prefixx", mib(1));
  limit_2("/mnt/other", mib(1));
  limit_2("/sys/fs/cgroup/machine/box", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(of_several_mounts_the_one_that_sees_more_counts_too, FakeSystem) {
  groups("0::/machine/box\n");
  mounts(mount_2("/machine/box", "/mnt/own") + mount_2("/", "/sys/fs/cgroup"));
  limit_2("/mnt/own", mib(64));
  limit_2("/sys/fs/cgroup/machine/box", mib(64));
  limit_2("/sys/fs/cgroup/machine", mib(48));
  check_mib(48, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_path_that_is_not_there_falls_back_to_the_first_mount_point, FakeSystem) {
  groups("0::/docker/0123abcd\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
  groups("0::/docker/0123abcd (deleted)\n");
  check_mib(64, CeilingSource::kCgroup2Max);
  mounts(mount_2("/", "/sys/fs/cgroup") + mount_2("/", "/mnt/second"));
  limit_2("/mnt/second", mib(1));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_path_outside_the_namespace_falls_back_to_the_mount_point, FakeSystem) {
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup", mib(64));
  limit_2("/sys/fs", mib(1));
  limit_2("/sys/fs/box", mib(1));
  for (const char* path : {"0::/..\n", "0::/../box\n", "0::/../..\n", "0::/box/../..\n"}) {
    groups(path);
    BOOST_TEST_CONTEXT(path) { check_mib(64, CeilingSource::kCgroup2Max); }
  }
}

BOOST_FIXTURE_TEST_CASE(a_name_that_begins_with_dots_is_a_name, FakeSystem) {
  groups("0::/..a/b..\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup/..a/b..", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(names_with_blanks_are_escaped_in_mountinfo_only, FakeSystem) {
  groups("0::/a b/c\\d/e\n");
  mounts(mount_2("/a\\040b/c\\134d", "/mnt/x\\040y\\011z\\01x\\0"));
  limit_2("/mnt/x y\tz\\01x\\0/e", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_mount_without_a_source_is_understood, FakeSystem) {
  groups("4:memory:/app\n");
  mounts("35 31 0:32 / /m rw shared:1 master:2 - cgroup  rw,memory\n");
  limit_1("/m/app", mib(64));
  check_mib(64, CeilingSource::kCgroup1);
}

BOOST_FIXTURE_TEST_CASE(lines_that_are_no_mounts_and_no_groups_are_passed_over, FakeSystem) {
  groups("\n:\n::\n0:\n0::\n0::app\n0::/app\n0:cpu:/x\n1::/x\n5\n4:memory\n");
  mounts("\n-\n - \n1 2 3\n41 31 0:38 / /trap rw\n41 31 0:38 / /trap rw - cgroup2\n" +
         mount_2("/", "/sys/fs/cgroup") + "41 31 0:38 / /trap");
  limit_2("/trap/app", mib(1));
  limit_2("/sys/fs/cgroup/app", mib(64));
  limit_2("/sys/fs/cgroup/x", mib(1));
  check_mib(64, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(a_mountinfo_larger_than_64_kib_is_read_to_its_end, FakeSystem) {
  std::string many;
  while (many.size() < 200 * kKiB) {
    many += "99 27 0:99 / /mnt/" + std::string(many.size() % 301, 'x') +
            " rw,relatime - overlay overlay rw,lowerdir=/" + std::string(many.size() % 1009, 'y') +
            "\n";
  }
  groups("0::/app\n");
  mounts(many + mount_2("/", "/sys/fs/cgroup") + many);
  limit_2("/sys/fs/cgroup/app", mib(64));
  check_mib(64, CeilingSource::kCgroup2Max);
}

// The trap is where a reader that cuts long lines would see the beginning of a new one.
BOOST_FIXTURE_TEST_CASE(a_part_of_a_very_long_line_is_not_a_line, FakeSystem) {
  groups("0::/app\n");
  limit_2("/trap/app", mib(1));
  limit_2("/sys/fs/cgroup/app", mib(64));
  const std::string begin = "98 27 0:98 / /mnt/";
  for (const size_t blocks : {1, 2, 8}) {
    for (size_t length = blocks * LineReader::kLongest - 2;
         length <= blocks * LineReader::kLongest + 2; ++length) {
      mounts(begin + std::string(length - begin.size(), 'x') + mount_2("/", "/trap") +
             mount_2("/", "/sys/fs/cgroup"));
      check_mib(64, CeilingSource::kCgroup2Max);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(paths_that_are_too_long_are_not_opened_in_part, FakeSystem) {
  const std::string longest(PATH_MAX - 1, 'g');
  mounts(mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup", mib(64));
  for (size_t length = PATH_MAX - 200; length < PATH_MAX + 10; ++length) {
    groups("0::/" + std::string(length, 'g') + "\n");
    check_mib(64, CeilingSource::kCgroup2Max);
  }
  groups("0::/app\n");
  mounts(mount_2("/", "/" + longest) + mount_2("/", "/sys/fs/cgroup"));
  limit_2("/sys/fs/cgroup/app", mib(48));
  check_mib(48, CeilingSource::kCgroup2Max);
}

BOOST_FIXTURE_TEST_CASE(errno_is_kept, FakeSystem) {
  groups("0::/app\n");
  mounts(mount_2("/", "/sys/fs/cgroup"));
  for (const char* system : {c_str(), "", "/nowhere"}) {
    errno = ERANGE;
    memory_ceiling(system);
    max_map_count(system);
    count_vmas(system);
    strict_overcommit(system);
    resident_of_process(system);
    BOOST_TEST(errno == ERANGE);
  }
}

BOOST_AUTO_TEST_CASE(every_source_has_a_name_of_its_own) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(CeilingSource::kCgroup2High); ++i) {
    for (const std::string& other : names) {
      BOOST_TEST(name_of(static_cast<CeilingSource>(i)) != other);
    }
    names.emplace_back(name_of(static_cast<CeilingSource>(i)));
  }
  BOOST_TEST(names[1] == "physical memory");
  BOOST_TEST(names[3] == "cgroup memory.max");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(settings_of_a_fake_system)

BOOST_FIXTURE_TEST_CASE(max_map_count_is_what_is_set_or_the_usual_value, FakeSystem) {
  BOOST_TEST(max_map_count(c_str()) == 65530u);
  write("/proc/sys/vm/max_map_count", "1048576\n");
  BOOST_TEST(max_map_count(c_str()) == 1048576u);
  write("/proc/sys/vm/max_map_count", "many\n");
  BOOST_TEST(max_map_count(c_str()) == 65530u);
}

BOOST_FIXTURE_TEST_CASE(only_overcommit_mode_2_is_strict, FakeSystem) {
  BOOST_TEST(!strict_overcommit(c_str()));
  for (const char* mode : {"0\n", "1\n", "22\n", "", "two\n"}) {
    write("/proc/sys/vm/overcommit_memory", mode);
    BOOST_TEST(!strict_overcommit(c_str()));
  }
  write("/proc/sys/vm/overcommit_memory", "2\n");
  BOOST_TEST(strict_overcommit(c_str()));
}

BOOST_FIXTURE_TEST_CASE(vmas_are_the_lines_of_maps, FakeSystem) {
  BOOST_TEST(count_vmas(c_str()) == 0u);
  std::string maps;
  for (uint64_t lines = 0; lines < 3000; ++lines) {
    if (lines % 500 == 0) {
      write("/proc/self/maps", maps);
      BOOST_TEST(count_vmas(c_str()) == lines);
    }
    maps +=
        "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 " + std::string(lines % 300, 'p') + "\n";
  }
}

BOOST_FIXTURE_TEST_CASE(resident_is_the_second_field_of_statm_in_pages, FakeSystem) {
  BOOST_TEST(resident_of_process(c_str()).raw == 0u);
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  write("/proc/self/statm", "100 25 3 4 0 6 0\n");
  BOOST_TEST(resident_of_process(c_str()).raw == 25 * page);
  for (const char* rubbish : {"", "\n", "100", "100 \n", "100 x 3\n", "100 -1 3\n"}) {
    write("/proc/self/statm", rubbish);
    BOOST_TEST(resident_of_process(c_str()).raw == 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
