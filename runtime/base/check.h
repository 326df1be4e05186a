// Owns how Acre finds its own bugs: three tiers of checks, and the end of the process when one
// fails.
//
//   ACRE_CHECK(condition, "what must hold")   always compiled; for what is cheap or fatal if wrong
//   ACRE_DCHECK(...)                          with --config=debug and --config=paranoid
//   ACRE_PARANOID_CHECK(...)                  with --config=paranoid only: may cost a walk of the heap
//
// A failed check is our bug, never the caller's mistake nor a lack of memory (those are a status).
// It prints what is known to stderr without allocating, then aborts.

#ifndef ACRE_RUNTIME_BASE_CHECK_H_
#define ACRE_RUNTIME_BASE_CHECK_H_

namespace acre::rt {

[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line);

}  // namespace acre::rt

#define ACRE_CHECK(condition, message)               \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::acre::rt::check_failed(#condition, message, __FILE__, __LINE__))

#define ACRE_NO_CHECK(condition) static_cast<void>(sizeof((condition) ? 1 : 0))

#if defined(ACRE_DEBUG) && ACRE_DEBUG
#define ACRE_DCHECK(condition, message) ACRE_CHECK(condition, message)
#else
#define ACRE_DCHECK(condition, message) ACRE_NO_CHECK(condition)
#endif

#if defined(ACRE_PARANOID) && ACRE_PARANOID
#define ACRE_PARANOID_CHECK(condition, message) ACRE_CHECK(condition, message)
#else
#define ACRE_PARANOID_CHECK(condition, message) ACRE_NO_CHECK(condition)
#endif

#endif  // ACRE_RUNTIME_BASE_CHECK_H_
