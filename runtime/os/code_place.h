// Owns names for people: of a place in the program's code, and of a thread.

#ifndef ACRE_RUNTIME_OS_CODE_PLACE_H_
#define ACRE_RUNTIME_OS_CODE_PLACE_H_

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace acre::rt {

struct CodePlace {
  const char* symbol = nullptr;  // the dynamic symbol at or below it; NULL: none is known
  uintptr_t offset = 0;          // from it; without one, from the module's start
  const char* module = nullptr;  // file; NULL: the address is in none
};

// Takes the dynamic loader's lock: not while a stopped thread may hold it.
CodePlace find_code(uintptr_t program_counter);

constexpr size_t kThreadNameBytes = 16;
// Of a thread that has not ended; empty if the system does not tell.
void thread_name(pthread_t thread, char (&name)[kThreadNameBytes]);

// The calling thread's number, as debuggers and top show it.
int64_t current_thread_number();

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_CODE_PLACE_H_
