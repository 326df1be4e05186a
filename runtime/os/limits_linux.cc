// limits.h on Linux: /proc and the cgroup file systems. The formats are those of proc(5) and of the
// kernel's cgroup-v1/memory and cgroup-v2 documents.

#include "runtime/os/limits.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "runtime/os/errno_keeper.h"
#include "runtime/os/proc_text.h"

namespace acre::rt {
namespace {

constexpr uint64_t kUsualMaxMapCount = 65530;
// Version 1 says "no limit" as the largest number of pages in bytes, or in old kernels as the
// largest number: below 2^63 by less than this.
constexpr uint64_t kNoLimit = (uint64_t{1} << 63) - kMiB;

// What is too large for the stack of a fiber, and must not be malloc'ed. False: no memory, or no VMA left.
template <class T>
class Mapped {
 public:
  Mapped() {
    void* memory =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) object_ = new (memory) T;
  }
  ~Mapped() {
    if (object_ == nullptr) return;
    object_->~T();
    munmap(object_, sizeof(T));
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  explicit operator bool() const { return object_ != nullptr; }
  T& operator*() { return *object_; }
  T* operator->() { return object_; }

 private:
  T* object_ = nullptr;
};

bool equal(const char* a, const char* b) { return strcmp(a, b) == 0; }

// Cuts `text` at the first `separator` and gives what was before; *rest is what is behind, nullptr
// if there was none. nullptr for nullptr.
char* take_field(char* text, char separator, char** rest) {
  *rest = nullptr;
  if (text == nullptr) return nullptr;
  char* end = strchr(text, separator);
  if (end != nullptr) {
    *end = 0;
    *rest = end + 1;
  }
  return text;
}

// Cuts the list up.
bool has_item(char* list, const char* item) {
  while (list != nullptr) {
    if (equal(take_field(list, ',', &list), item)) return true;
  }
  return false;
}

// The process's place in one hierarchy of groups, and the least limit there.
class Hierarchy {
 public:
  explicit Hierarchy(bool version_2) : version_2_(version_2) {}

  void set_group(const char* path) {
    has_group_ = true;
    group_.shorten(0);
    group_ << path;
  }
  bool has_group() const { return has_group_; }

  // One of its mounts.
  void read_mount(const char* root, const char* mount_root, const char* mount_point, Path* folder,
                  MemoryCeiling* least);
  // After all mounts.
  void read_first_mount_point_if_not_found(MemoryCeiling* least);

 private:
  const char* group_below(const char* mount_root) const;
  void read_up(Path* folder, size_t top, MemoryCeiling* least) const;

  bool version_2_;
  bool has_group_ = false;
  bool found_ = false;
  Path group_;        // from the hierarchy's root
  Path first_mount_;  // with the caller's root; empty: none yet
};

// What memory_ceiling works with.
struct Room {
  LineReader lines;
  Hierarchy version_1{false};
  Hierarchy version_2{true};
  Path folder;
};

void lower(MemoryCeiling* least, uint64_t bytes, CeilingSource source) {
  if (bytes == 0) return;
  if (least->source != CeilingSource::kNone && bytes >= least->bytes.raw) return;
  *least = {ByteCount(bytes), source};
}

// 0: no limit.
uint64_t read_limit(Path* folder, const char* file) {
  const size_t length = folder->length();
  if (length + strlen(file) >= PATH_MAX) return 0;
  *folder << file;
  uint64_t limit = 0;
  const bool is_number = read_number(folder->c_str(), &limit);
  folder->shorten(length);
  return is_number && limit < kNoLimit ? limit : 0;
}

// The part of the group's path below the mount's root; nullptr if it is elsewhere.
const char* Hierarchy::group_below(const char* mount_root) const {
  const char* group = group_.c_str();
  for (const char* up = strstr(group, "/.."); up != nullptr; up = strstr(up + 1, "/..")) {
    if (up[3] == '/' || up[3] == 0) return nullptr;
  }
  if (!equal(mount_root, "/")) {
    const size_t length = strlen(mount_root);
    if (strncmp(group, mount_root, length) != 0) return nullptr;
    group += length;
  }
  if (*group != '/' && *group != 0) return nullptr;
  return equal(group, "/") ? "" : group;
}

// Reads the limits of `folder` and of those above it; the last is the one of `top` characters.
void Hierarchy::read_up(Path* folder, size_t top, MemoryCeiling* least) const {
  for (;;) {
    if (version_2_) {
      lower(least, read_limit(folder, "/memory.max"), CeilingSource::kCgroup2Max);
      lower(least, read_limit(folder, "/memory.high"), CeilingSource::kCgroup2High);
    } else {
      lower(least, read_limit(folder, "/memory.limit_in_bytes"), CeilingSource::kCgroup1);
    }
    if (folder->length() <= top) return;
    folder->to_parent();
  }
}

// A folder that is found is the process's own group or hidden under another mount, so several
// mounts of one hierarchy do not contradict each other: one may see more of what is above.
void Hierarchy::read_mount(const char* root, const char* mount_root, const char* mount_point,
                           Path* folder, MemoryCeiling* least) {
  folder->restart();
  *folder << root << mount_point;
  const size_t top = folder->length();
  if (first_mount_.empty()) first_mount_ << folder->c_str();
  const char* below = group_below(mount_root);
  if (below == nullptr) return;
  *folder << below;
  if (access(folder->c_str(), F_OK) != 0) return;
  found_ = true;
  read_up(folder, top, least);
}

void Hierarchy::read_first_mount_point_if_not_found(MemoryCeiling* least) {
  if (!found_ && !first_mount_.empty()) read_up(&first_mount_, first_mount_.length(), least);
}

// A line is number:controllers:path.
void read_groups(const char* root, LineReader& lines, Hierarchy* version_1, Hierarchy* version_2) {
  lines.read(open_own_file(root, "cgroup"));
  while (char* line = lines.next()) {
    const char* number = take_field(line, ':', &line);
    char* controllers = take_field(line, ':', &line);
    if (line == nullptr || *line != '/') continue;
    if (equal(number, "0") && *controllers == 0) {
      version_2->set_group(line);
    } else if (has_item(controllers, "memory")) {
      version_1->set_group(line);
    }
  }
}

// Blanks and backslashes in paths of mountinfo are written as \ and three octal digits.
char* unescape(char* text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  char* to = text;
  for (const char* from = text; *from != 0; ++to) {
    if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
      *to = static_cast<char>((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
      from += 4;
    } else {
      *to = *from++;
    }
  }
  *to = 0;
  return text;
}

// A line is: id parent device root point options [tags...] - type source super-options
void read_mount_line(const char* root, char* line, Hierarchy* version_1, Hierarchy* version_2,
                     Path* folder, MemoryCeiling* least) {
  for (int i = 0; i < 3; ++i) take_field(line, ' ', &line);
  char* mount_root = take_field(line, ' ', &line);
  char* mount_point = take_field(line, ' ', &line);
  take_field(line, ' ', &line);
  while (line != nullptr && !equal(take_field(line, ' ', &line), "-")) {
  }
  const char* type = take_field(line, ' ', &line);
  take_field(line, ' ', &line);
  char* super_options = take_field(line, ' ', &line);
  if (super_options == nullptr) return;

  Hierarchy* hierarchy = nullptr;
  if (equal(type, "cgroup2")) hierarchy = version_2;
  if (equal(type, "cgroup") && has_item(super_options, "memory")) hierarchy = version_1;
  if (hierarchy == nullptr || !hierarchy->has_group()) return;
  hierarchy->read_mount(root, unescape(mount_root), unescape(mount_point), folder, least);
}

// As the other limits, in bytes; 0: cannot be read. The line is "MemTotal:   24683656 kB".
uint64_t physical_memory(const char* root, LineReader& lines) {
  constexpr char kName[] = "MemTotal:";
  lines.read(open_below(root, "/proc/meminfo"));
  while (char* line = lines.next()) {
    if (strncmp(line, kName, sizeof(kName) - 1) != 0) continue;
    const char* number = line + sizeof(kName) - 1;
    number += strspn(number, " \t");
    uint64_t kib = 0;
    if (!parse_number(number, number + strcspn(number, " "), &kib)) return 0;
    return kib < kNoLimit / kKiB ? kib * kKiB : 0;
  }
  return 0;
}

bool read_setting(const char* root, const char* file, uint64_t* out) {
  return read_number(open_below(root, file), out);
}

}  // namespace

const char* name_of(CeilingSource source) {
  switch (source) {
    case CeilingSource::kNone: return "nothing";
    case CeilingSource::kPhysical: return "physical memory";
    case CeilingSource::kCgroup1: return "cgroup memory.limit_in_bytes";
    case CeilingSource::kCgroup2Max: return "cgroup memory.max";
    case CeilingSource::kCgroup2High: return "cgroup memory.high";
  }
  return "?";
}

MemoryCeiling memory_ceiling(const char* root) {
  ErrnoKeeper errno_keeper;
  MemoryCeiling least;
  Mapped<Room> room;
  if (!room) return least;
  LineReader& lines = room->lines;
  lower(&least, physical_memory(root, lines), CeilingSource::kPhysical);

  Hierarchy& version_1 = room->version_1;
  Hierarchy& version_2 = room->version_2;
  read_groups(root, lines, &version_1, &version_2);
  if (!version_1.has_group() && !version_2.has_group()) return least;
  lines.read(open_own_file(root, "mountinfo"));
  while (char* line = lines.next()) {
    read_mount_line(root, line, &version_1, &version_2, &room->folder, &least);
  }
  version_1.read_first_mount_point_if_not_found(&least);
  version_2.read_first_mount_point_if_not_found(&least);
  return least;
}

uint64_t max_map_count(const char* root) {
  ErrnoKeeper errno_keeper;
  uint64_t count = kUsualMaxMapCount;
  read_setting(root, "/proc/sys/vm/max_map_count", &count);
  return count;
}

uint64_t count_vmas(const char* root) {
  ErrnoKeeper errno_keeper;
  const int file = open_own_file(root, "maps");
  if (file < 0) return 0;
  char text[kKiB];  // on the stack of a fiber, perhaps
  uint64_t lines = 0;
  long count;
  while ((count = read_some(file, text, sizeof(text))) > 0) {
    for (long i = 0; i < count; ++i) lines += text[i] == '\n' ? 1 : 0;
  }
  close(file);
  return count == 0 ? lines : 0;
}

bool strict_overcommit(const char* root) {
  ErrnoKeeper errno_keeper;
  uint64_t mode = 0;
  return read_setting(root, "/proc/sys/vm/overcommit_memory", &mode) && mode == 2;
}

ByteCount resident_of_process(const char* root) {
  ErrnoKeeper errno_keeper;
  const int file = open_own_file(root, "statm");
  if (file < 0) return ByteCount{};
  char text[256];
  const long count = read_some(file, text, sizeof(text) - 1);
  close(file);
  text[count < 0 ? 0 : count] = 0;
  char* fields = text;
  take_field(fields, ' ', &fields);
  const char* resident = take_field(fields, ' ', &fields);
  uint64_t pages = 0;
  if (resident == nullptr || !parse_number(resident, resident + strlen(resident), &pages)) {
    return ByteCount{};
  }
  return ByteCount(pages) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace acre::rt
