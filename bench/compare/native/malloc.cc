// The program malloc: malloc and free of the C library, or of the library that LD_PRELOAD names.
#include <dlfcn.h>
#include <gnu/libc-version.h>

#include <string>

#include "bench/compare/native/malloc_lua.h"
#include "bench/compare/native/malloc_memory.h"
#include "bench/compare/native/workloads.h"
#include "bench/compare/native/workloads/lua.h"

namespace {

template <class Function>
Function* symbol(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

// The allocators that come by LD_PRELOAD tell their version by a function of their own.
std::string version() {
  if (auto* mimalloc = symbol<int()>("mi_version")) {
    const int packed = mimalloc();
    return "mimalloc " + std::to_string(packed / 100) + "." + std::to_string(packed / 10 % 10) +
           "." + std::to_string(packed % 10);
  }
  if (auto* tcmalloc = symbol<const char*(int*, int*, const char**)>("tc_version")) {
    return std::string("tcmalloc ") + tcmalloc(nullptr, nullptr, nullptr);
  }
  if (auto* control = symbol<int(const char*, void*, size_t*, void*, size_t)>("mallctl")) {
    const char* text = "";
    size_t size = sizeof(text);
    control("version", &text, &size, nullptr, 0);
    const std::string full = text;
    return "jemalloc " + full.substr(0, full.find('-'));
  }
  return std::string("glibc malloc ") + gnu_get_libc_version();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace acre::compare;
  std::vector<Workload> all = workloads<Malloc>();
  all.insert(all.end(), kLuaWorkloads<MallocLua>.begin(), kLuaWorkloads<MallocLua>.end());
  return run_program(all, version(), argc, argv);
}
