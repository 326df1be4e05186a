// Changing the system's setting of huge pages for a while (--try-thp-modes). It is put back when the object
// ends, and by SIGINT, SIGTERM and SIGHUP, which then do what they did before. Nothing puts it back after
// SIGKILL. One object at a time.
#pragma once

#include <string>

namespace acre::bench {

class ThpModes {
 public:
  ThpModes();
  ~ThpModes();
  ThpModes(const ThpModes&) = delete;
  ThpModes& operator=(const ThpModes&) = delete;

  // Why the setting cannot be changed; empty: it can.
  const std::string& refusal() const { return refusal_; }
  // always, madvise or never. False: the kernel refused.
  bool set(const char* mode);

 private:
  std::string refusal_;
};

}  // namespace acre::bench
