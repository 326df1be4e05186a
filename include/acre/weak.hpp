// What does not keep an object alive: Weak, WeakNotify, Ephemeron, WeakMap. The C calls and the order in which a collection
// does things are in weak.h.
#ifndef ACRE_WEAK_HPP_
#define ACRE_WEAK_HPP_

#include <acre/thread.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace acre {

namespace detail {

template <class T>
void* to_void(T* object) {
  return const_cast<std::remove_const_t<T>*>(object);
}

inline acre_weak* checked(Thread& thread, acre_weak* weak) {
  if (weak == nullptr) check(thread.last_error());
  return weak;
}

}  // namespace detail

// A reference that does not keep its object alive, and is null once that was found dead. Move-only, not itself an object;
// it must not outlive its heap. One that was moved from reads as null.
//
// Example (precise):
//   acre::Local<Node> node(thread, thread.make<Node>(nullptr, 3L));
//   acre::Weak<Node> weak(thread, node.get());
//   thread.collect();
//   assert(weak.get(thread)->value == 3);
//   node = nullptr;
//   thread.collect();
//   assert(weak.get(thread) == nullptr);
template <class T>
class Weak {
 public:
  // Throws OutOfMemory, or Error if `object` is not the address of an object.
  explicit Weak(Thread& thread, T* object = nullptr)
      : weak_(detail::checked(thread, acre_weak_new(thread, detail::to_void(object)))) {}
  // Nothing, with thread.last_error(), instead of an exception.
  static std::optional<Weak> try_new(Thread& thread, T* object = nullptr) {
    acre_weak* weak = acre_weak_new(thread, detail::to_void(object));
    if (weak == nullptr) return std::nullopt;
    return Weak(weak);
  }
  ~Weak() { acre_weak_drop(weak_); }
  Weak(Weak&& other) noexcept : weak_(std::exchange(other.weak_, nullptr)) {}
  Weak& operator=(Weak&& other) noexcept {
    std::swap(weak_, other.weak_);
    return *this;
  }

  // The object, alive for as long as the caller keeps it as any other reference; or null.
  T* get(Thread& thread) const { return static_cast<T*>(acre_weak_get(thread, weak_)); }

 private:
  explicit Weak(acre_weak* weak) : weak_(weak) {}

  acre_weak* weak_;
};

// The same, which calls fn() when its object was found dead: once, from Thread::run_finalizers. fn must not throw. Ends
// on a thread that runs finalizers, or while none does.
//
// Example (precise):
//   acre::Local<Node> node(thread, thread.make<Node>());
//   int gone = 0;
//   acre::WeakNotify weak(thread, node.get(), [&gone] { ++gone; });
//   node = nullptr;
//   thread.collect();
//   thread.run_finalizers();
//   assert(gone == 1 && weak.get(thread) == nullptr);
template <class T, class Fn>
class WeakNotify {
 public:
  // Throws as Weak does.
  WeakNotify(Thread& thread, T* object, Fn fn)
      : fn_(std::move(fn)),
        weak_(detail::checked(
            thread, acre_weak_new_notify(thread, detail::to_void(object), &call, this))) {}
  ~WeakNotify() { acre_weak_drop(weak_); }
  WeakNotify(const WeakNotify&) = delete;
  WeakNotify& operator=(const WeakNotify&) = delete;

  T* get(Thread& thread) const { return static_cast<T*>(acre_weak_get(thread, weak_)); }

 private:
  static void call(acre_weak*, void* self) { static_cast<WeakNotify*>(self)->fn_(); }

  Fn fn_;
  acre_weak* weak_;
};

// An object with a key and a value: the value lives while the key does, of which it may be the only holder. To be
// referred to by Ephemeron*. When the key was found dead both read as null.
//
// Example (precise):
//   acre::Local<Node> key(thread, thread.make<Node>());
//   acre::Local<Node> value(thread, thread.make<Node>(key.get(), 8L));  // refers to its key
//   acre::Local pair(thread, acre::make_ephemeron(thread, key.get(), value.get()));
//   value = nullptr;
//   thread.collect();
//   assert(pair->value(thread)->value == 8);
//   key = nullptr;
//   thread.collect();
//   assert(pair->value(thread) == nullptr);
template <class K, class V>
class Ephemeron {
 public:
  Ephemeron() = delete;
  Ephemeron(const Ephemeron&) = delete;
  Ephemeron& operator=(const Ephemeron&) = delete;

  K* key(Thread& thread) { return static_cast<K*>(acre_ephemeron_key(thread, this)); }
  V* value(Thread& thread) { return static_cast<V*>(acre_ephemeron_value(thread, this)); }
};

// Null, and the reason in *status.
template <class K, class V>
Ephemeron<K, V>* try_make_ephemeron(Thread& thread, K* key, V* value,
                                    acre_status* status = nullptr) {
  void* made = nullptr;
  detail::tell(status,
               acre_ephemeron_new(thread, detail::to_void(key), detail::to_void(value), &made));
  return static_cast<Ephemeron<K, V>*>(made);
}
// Throws OutOfMemory.
template <class K, class V>
Ephemeron<K, V>* make_ephemeron(Thread& thread, K* key, V* value) {
  acre_status status = ACRE_OK;
  Ephemeron<K, V>* made = try_make_ephemeron(thread, key, value, &status);
  check_memory(status);
  return made;
}

// What an entry of a WeakMap does not keep alive: see weak.h.
enum class WeakMode { kKeys = ACRE_WEAK_KEYS, kValues = ACRE_WEAK_VALUES, kBoth = ACRE_WEAK_BOTH };

// A hash table from objects, by identity, to objects. It is an object, to be referred to by WeakMap*, and used by one
// thread at a time. Entries go with their keys, their values, or both.
//
// Example (precise):
//   acre::Local map(thread, acre::make_weak_map<Node, Node>(thread));  // weak keys
//   acre::Local<Node> key(thread, thread.make<Node>());
//   map->set(thread, key.get(), thread.make<Node>(key.get(), 9L));
//   thread.collect();
//   assert(map->get(thread, key)->value == 9);
//   long sum = 0;
//   map->for_each(thread, [&sum](Node*, Node* value) { sum += value->value; });
//   assert(sum == 9);
//   key = nullptr;
//   thread.collect();
//   assert(map->size(thread) == 0);
template <class K, class V>
class WeakMap {
 public:
  WeakMap() = delete;
  WeakMap(const WeakMap&) = delete;
  WeakMap& operator=(const WeakMap&) = delete;

  // Throws OutOfMemory, or Error for a null key. May collect; it holds key and value meanwhile.
  void set(Thread& thread, K* key, V* value) { check_memory(try_set(thread, key, value)); }
  acre_status try_set(Thread& thread, K* key, V* value) {
    return acre_weak_table_set(thread, this, detail::to_void(key), detail::to_void(value));
  }
  // Null if there is none.
  V* get(Thread& thread, const K* key) {
    return static_cast<V*>(acre_weak_table_get(thread, this, key));
  }
  bool has(Thread& thread, const K* key) { return acre_weak_table_has(thread, this, key) != 0; }
  // Whether there was such an entry.
  bool remove(Thread& thread, const K* key) {
    return acre_weak_table_remove(thread, this, key) != 0;
  }
  size_t size(Thread& thread) { return acre_weak_table_count(thread, this); }

  // fn(K*, V*) for each entry, in no order; it sets none.
  template <class Fn>
  void for_each(Thread& thread, Fn fn) {
    void* key = nullptr;
    void* value = nullptr;
    for (size_t at = 0; (at = acre_weak_table_next(thread, this, at, &key, &value)) != 0;) {
      fn(static_cast<K*>(key), static_cast<V*>(value));
    }
  }
};

// Null, and the reason in *status.
template <class K, class V>
WeakMap<K, V>* try_make_weak_map(Thread& thread, WeakMode mode = WeakMode::kKeys,
                                 acre_status* status = nullptr) {
  void* made = nullptr;
  detail::tell(status, acre_weak_table_new(thread, static_cast<int>(mode), &made));
  return static_cast<WeakMap<K, V>*>(made);
}
// Throws OutOfMemory.
template <class K, class V>
WeakMap<K, V>* make_weak_map(Thread& thread, WeakMode mode = WeakMode::kKeys) {
  acre_status status = ACRE_OK;
  WeakMap<K, V>* made = try_make_weak_map<K, V>(thread, mode, &status);
  check_memory(status);
  return made;
}

}  // namespace acre

#endif  // ACRE_WEAK_HPP_
