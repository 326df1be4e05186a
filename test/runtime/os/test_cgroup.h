// Owns memory cgroups for tests: a group of its own below that of this process (version 1 or 2),
// with a limit, that a forked child may join.
//
//   TestCgroup group;
//   if (!group.create(64 * kMiB)) return skip(group.why());
//   in_forked_child([&] { return group.join() ? ... : ...; });
//
// For root, where the machine lets it; ACRE_TEST_CGROUP=0: nowhere. Each refusal has a reason to print.
// Who supervises this process may know nothing of groups below its own: so only the child that joins is
// moved, it dies with its parent, and the group goes as soon as the test ends.
//
// Version 2 shares out the controller only below a group without processes, or below the root: so
// if not below our own group, the group is made below the mount point. What was switched on for it
// is switched off again.

#ifndef ACRE_TEST_RUNTIME_OS_TEST_CGROUP_H_
#define ACRE_TEST_RUNTIME_OS_TEST_CGROUP_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace acre::test {

class TestCgroup {
 public:
  TestCgroup() = default;
  TestCgroup(const TestCgroup&) = delete;
  TestCgroup& operator=(const TestCgroup&) = delete;
  ~TestCgroup() { remove(); }

  // Once. False: why() says the reason, and nothing was made.
  bool create(uint64_t limit_bytes) {
    const char* asked = std::getenv("ACRE_TEST_CGROUP");
    if (asked != nullptr && std::string(asked) == "0") return refuse("ACRE_TEST_CGROUP is 0");
    if (geteuid() != 0) return refuse("not root");
    if (!find_memory_hierarchy()) return refuse("no mounted cgroup hierarchy with memory");
    std::vector<std::string> parents = {own_folder_};
    if (version_ == 2 && own_folder_ != mount_point_) parents.push_back(mount_point_);
    for (const std::string& parent : parents) {
      if (create_below(parent, limit_bytes)) return true;
      remove();
    }
    return false;
  }
  const std::string& why() const { return why_; }

  // Moves the calling process, which is to be a child: this one could not remove the group then.
  bool join() const {
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && write_file(procs_file_, "0");
  }
  bool set_limit(uint64_t bytes) { return write_file(limit_file_, std::to_string(bytes)); }

  int version() const { return version_; }  // 1 or 2
  const std::string& folder() const { return folder_; }

 private:
  bool refuse(const std::string& why) {
    why_ = why;
    return false;
  }

  bool create_below(const std::string& parent, uint64_t limit_bytes) {
    static int number = 0;
    creator_ = getpid();
    if (version_ == 2 && !share_out_memory(parent)) return false;
    const std::string folder =
        parent + "/acre_test_" + std::to_string(creator_) + "_" + std::to_string(number++);
    if (mkdir(folder.c_str(), 0755) != 0) return refuse("mkdir " + folder + ": " + error());
    folder_ = folder;
    procs_file_ = folder + "/cgroup.procs";
    limit_file_ = folder + (version_ == 1 ? "/memory.limit_in_bytes" : "/memory.max");
    if (!set_limit(limit_bytes)) return refuse("write " + limit_file_ + ": " + error());
    // Else what is above the limit would be swapped out. Where there is no swap there is no such file.
    (void)write_file(folder + (version_ == 1 ? "/memory.swappiness" : "/memory.swap.max"), "0");
    return true;
  }

  bool share_out_memory(const std::string& parent) {
    if (has_word(parent + "/cgroup.subtree_control", "memory")) return true;
    if (!has_word(parent + "/cgroup.controllers", "memory")) {
      return refuse(parent + " has no memory controller");
    }
    const std::string file = parent + "/cgroup.subtree_control";
    if (!write_file(file, "+memory")) return refuse("write " + file + ": " + error());
    switched_on_ = file;
    return true;
  }

  // Ends what is still in the group: children of this process that a failed test left behind.
  void remove() {
    if (getpid() != creator_) return;  // a forked child has a copy of us
    constexpr int kTries = 500;        // a process takes a moment to end
    int tries = 0;
    while (!folder_.empty() && rmdir(folder_.c_str()) != 0 && errno != ENOENT) {
      if (++tries == kTries) {
        std::cout << "left behind: " << folder_ << ": " << error() << std::endl;
        break;
      }
      std::ifstream members(procs_file_);
      for (pid_t member = 0; members >> member;) {
        if (member != creator_) kill(member, SIGKILL);
      }
      usleep(10'000);
    }
    folder_.clear();
    if (!switched_on_.empty()) write_file(switched_on_, "-memory");
    switched_on_.clear();
  }

  // Sets version_, mount_point_ and own_folder_.
  bool find_memory_hierarchy() {
    std::string path[3];  // by version
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
      const size_t first = line.find(':');
      const size_t second = line.find(':', first + 1);
      if (second == std::string::npos) continue;
      const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
      if (controllers == ",,") path[2] = line.substr(second + 1);
      if (controllers.find(",memory,") != std::string::npos) path[1] = line.substr(second + 1);
    }
    for (const int version : {1, 2}) {
      if (!path[version].empty() && find_mount(version, path[version])) return true;
    }
    return false;
  }

  bool find_mount(int version, const std::string& path) {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
      std::istringstream words(line);
      std::string skipped, root, point, type, options;
      words >> skipped >> skipped >> skipped >> root >> point;
      while (words >> skipped && skipped != "-") {
      }
      words >> type >> skipped >> options;
      const bool fits =
          version == 2
              ? type == "cgroup2" && has_word(point + "/cgroup.controllers", "memory")
              : type == "cgroup" && ("," + options + ",").find(",memory,") != std::string::npos;
      if (!fits) continue;
      version_ = version;
      mount_point_ = point;
      const bool below = root != "/" && path.compare(0, root.size(), root) == 0;
      const std::string folder = point + (below ? path.substr(root.size()) : path);
      own_folder_ = path != "/" && access(folder.c_str(), F_OK) == 0 ? folder : point;
      return true;
    }
    return false;
  }

  static bool has_word(const std::string& file, const std::string& wanted) {
    std::ifstream words(file);
    for (std::string word; words >> word;) {
      if (word == wanted) return true;
    }
    return false;
  }

  static bool write_file(const std::string& name, const std::string& text) {
    const int file = open(name.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int saved = errno;
    close(file);
    errno = saved;
    return written;
  }

  static std::string error() { return std::strerror(errno); }

  int version_ = 0;
  pid_t creator_ = 0;
  std::string why_;
  std::string mount_point_;
  std::string own_folder_;
  std::string folder_;  // empty: none was made
  std::string procs_file_;
  std::string limit_file_;
  std::string switched_on_;  // the file to switch memory off in again
};

}  // namespace acre::test

#endif  // ACRE_TEST_RUNTIME_OS_TEST_CGROUP_H_
