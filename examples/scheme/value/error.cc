#include "examples/scheme/value/error.h"

namespace scheme {

namespace {

Value make(Store& store, std::string_view sort, std::string_view message,
           std::initializer_list<Value> irritants) {
  ListBuilder list(store);
  const KeptScope scope(store);
  store.kept.insert(store.kept.end(), irritants);
  for (const Value irritant : irritants) list.add(irritant);
  return store.condition(sort, message, list.list());
}

}  // namespace

std::string to_string(const Store& store, const Position& position) {
  return store.file_name(position.file) + ":" + std::to_string(position.line) + ":" +
         std::to_string(position.column);
}

void fail(Store& store, std::string_view message, std::initializer_list<Value> irritants) {
  throw Raised{make(store, "error", message, irritants)};
}

void fail_as(Store& store, std::string_view sort, std::string_view message,
             std::initializer_list<Value> irritants) {
  throw Raised{make(store, sort, message, irritants)};
}

void fail_at(Store& store, const Position& position, std::string_view message,
             std::initializer_list<Value> irritants) {
  const Keep condition(store, make(store, "syntax", message, irritants));
  if (position.line != 0)
    tuple(condition)->at(kPosition) = store.string(to_string(store, position));
  throw Raised{condition};
}

}  // namespace scheme
