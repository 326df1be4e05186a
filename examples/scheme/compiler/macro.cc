#include "examples/scheme/compiler/macro.h"

#include <algorithm>

namespace scheme {

namespace {

int64_t pairs_in(Value list) {
  int64_t count = 0;
  for (; list.is_pair(); list = cdr(list)) ++count;
  return count;
}

Value list_of_vector(Store& store, Value vector) {
  ListBuilder list(store);
  for (uint64_t i = 0; i < tuple(vector)->length(); ++i) list.add(tuple(vector)->at(i));
  store.kept.push_back(list.list());
  return list.list();
}

Value vector_of_list(Store& store, Value list) {
  const Keep keep(store, list);
  const Value made = store.tuple_of(Type::kVector, static_cast<uint64_t>(pairs_in(list)), kFalse);
  for (uint64_t i = 0; list.is_pair(); list = cdr(list), ++i) tuple(made)->at(i) = car(list);
  return made;
}

bool has_alias(Value datum) {
  for (; datum.is_pair(); datum = cdr(datum)) {
    if (has_alias(car(datum))) return true;
  }
  if (datum.is(Type::kVector)) {
    for (uint64_t i = 0; i < tuple(datum)->length(); ++i) {
      if (has_alias(tuple(datum)->at(i))) return true;
    }
  }
  return is_symbol(datum) && Value(datum.as<Symbol>()->alias_of) != Value();
}

Value strip(Store& store, Value datum) {
  if (is_symbol(datum)) {
    while (Value(datum.as<Symbol>()->alias_of) != Value()) datum = datum.as<Symbol>()->alias_of;
    return datum;
  }
  if (datum.is_pair()) {
    ListBuilder list(store);
    for (; datum.is_pair(); datum = cdr(datum)) list.add(strip(store, car(datum)));
    list.set_tail(strip(store, datum));
    return list.list();
  }
  if (datum.is(Type::kVector))
    return vector_of_list(store, strip(store, list_of_vector(store, datum)));
  return datum;
}

}  // namespace

Value strip_aliases(Store& store, Value datum) {
  if (!has_alias(datum)) return datum;
  const Value stripped = strip(store, datum);
  store.kept.push_back(stripped);
  return stripped;
}

Value make_macro(Store& store, Value rules, uint64_t scope, const Position& where) {
  const auto bad = [&] { fail_at(store, where, "malformed syntax-rules"); };
  if (!rules.is_pair() || !is_symbol(car(rules)) || name_of(car(rules)) != "syntax-rules" ||
      !cdr(rules).is_pair()) {
    bad();
  }
  Value rest = cdr(rules);
  if (is_symbol(car(rest))) rest = cdr(rest);
  if (!rest.is_pair() || (!car(rest).is_pair() && car(rest) != kNil)) bad();
  for (rest = cdr(rest); rest.is_pair(); rest = cdr(rest)) {
    const Value rule = car(rest);
    if (pairs_in(rule) != 2 || !car(rule).is_pair()) bad();
  }
  const Value made =
      store.tuple_of(Type::kMacro, {rules, Value::fixnum(static_cast<int64_t>(scope))});
  store.kept.push_back(made);
  return made;
}

MacroUse::MacroUse(Store& store, Syntax& syntax, Places& places, Value macro, Scope* user_scope,
                   Position where)
    : store_(store),
      syntax_(syntax),
      places_(places),
      scope_(static_cast<uint64_t>(Value(tuple(macro)->at(1)).as_fixnum())),
      user_scope_(user_scope),
      where_(where) {
  Value rest = cdr(tuple(macro)->at(0));
  ellipsis_ = store.symbol("...");
  if (is_symbol(car(rest))) {
    ellipsis_ = car(rest);
    rest = cdr(rest);
  }
  literals_ = car(rest);
  rules_ = cdr(rest);
}

Value MacroUse::expand(Value form) {
  for (Value rest = rules_; rest.is_pair(); rest = cdr(rest)) {
    const Value rule = car(rest);
    Matches matches;
    // The name of the macro itself is not looked at.
    if (!match(cdr(car(rule)), cdr(form), &matches)) continue;
    const Value expansion = fill(car(cdr(rule)), matches, false);
    store_.kept.push_back(expansion);
    return expansion;
  }
  fail_at(store_, where_, "no rule of the macro fits", {strip_aliases(store_, car(form))});
}

bool MacroUse::is_ellipsis(Value datum) const {
  if (!is_symbol(datum) || is_literal(datum)) return false;
  while (Value(datum.as<Symbol>()->alias_of) != Value() && datum != ellipsis_) {
    datum = datum.as<Symbol>()->alias_of;
  }
  return datum == ellipsis_;
}

bool MacroUse::is_literal(Value name) const {
  for (Value rest = literals_; rest.is_pair(); rest = cdr(rest)) {
    if (car(rest) == name) return true;
  }
  return false;
}

bool MacroUse::same_name(Value literal, Value datum) {
  return is_symbol(datum) &&
         syntax_.meaning(literal, syntax_.scope(scope_)) == syntax_.meaning(datum, user_scope_);
}

bool MacroUse::match(Value pattern, Value datum, Matches* matches) {
  if (is_symbol(pattern)) {
    if (is_literal(pattern)) return same_name(pattern, datum);
    if (name_of(pattern) != "_") (*matches)[pattern.bits()] = {datum, {}, false};
    return true;
  }
  if (pattern.is_pair()) {
    if (cdr(pattern).is_pair() && is_ellipsis(car(cdr(pattern)))) {
      return match_ellipsis(pattern, datum, matches);
    }
    return datum.is_pair() && match(car(pattern), car(datum), matches) &&
           match(cdr(pattern), cdr(datum), matches);
  }
  if (pattern.is(Type::kVector)) {
    if (!datum.is(Type::kVector)) return false;
    return match(list_of_vector(store_, pattern), list_of_vector(store_, datum), matches);
  }
  if (pattern.is(Type::kString))
    return datum.is(Type::kString) && text_of(pattern) == text_of(datum);
  if (is_flonum(pattern)) {
    return is_flonum(datum) && pattern.as<Flonum>()->number == datum.as<Flonum>()->number;
  }
  return pattern == datum;
}

// (item ... after . tail)
bool MacroUse::match_ellipsis(Value pattern, Value datum, Matches* matches) {
  const Value after = cdr(cdr(pattern));
  const int64_t count = pairs_in(datum) - pairs_in(after);
  if (count < 0) return false;
  std::vector<uint64_t> names;
  variables_of(car(pattern), &names);
  for (const uint64_t name : names) (*matches)[name] = {{}, {}, true};
  for (int64_t i = 0; i < count; ++i, datum = cdr(datum)) {
    Matches one;
    if (!match(car(pattern), car(datum), &one)) return false;
    for (const uint64_t name : names) (*matches)[name].items.push_back(std::move(one[name]));
  }
  return match(after, datum, matches);
}

void MacroUse::variables_of(Value pattern, std::vector<uint64_t>* names) {
  if (is_symbol(pattern)) {
    if (!is_ellipsis(pattern) && !is_literal(pattern) && name_of(pattern) != "_")
      names->push_back(pattern.bits());
  } else if (pattern.is_pair()) {
    variables_of(car(pattern), names);
    variables_of(cdr(pattern), names);
  } else if (pattern.is(Type::kVector)) {
    for (uint64_t i = 0; i < tuple(pattern)->length(); ++i)
      variables_of(tuple(pattern)->at(i), names);
  }
}

Value MacroUse::fill_symbol(Value name, const Matches& matches) {
  const auto found = matches.find(name.bits());
  if (found != matches.end()) {
    if (found->second.repeated)
      fail_at(store_, where_, "pattern variable without its ellipsis", {name});
    return found->second.datum;
  }
  Value& alias = aliases_[name.bits()];
  if (alias == Value()) {
    alias = store_.alias(name, scope_);
    store_.kept.push_back(alias);
  }
  return alias;
}

Value MacroUse::fill(Value pattern, const Matches& matches, bool escaped) {
  if (is_symbol(pattern)) return fill_symbol(pattern, matches);
  if (pattern.is(Type::kVector)) {
    return vector_of_list(store_, fill(list_of_vector(store_, pattern), matches, escaped));
  }
  if (!pattern.is_pair()) return pattern;
  if (!escaped && is_ellipsis(car(pattern)) && cdr(pattern).is_pair()) {
    return fill(car(cdr(pattern)), matches, true);
  }
  return fill_list(pattern, matches, escaped);
}

Value MacroUse::fill_list(Value pattern, const Matches& matches, bool escaped) {
  ListBuilder list(store_);
  while (pattern.is_pair()) {
    const Value item = car(pattern);
    pattern = cdr(pattern);
    int levels = 0;
    while (!escaped && pattern.is_pair() && is_ellipsis(car(pattern))) {
      ++levels;
      pattern = cdr(pattern);
    }
    if (levels == 0) {
      list.add(fill(item, matches, escaped));
    } else {
      repeat(item, matches, levels, &list);
    }
  }
  if (pattern != kNil) list.set_tail(fill(pattern, matches, escaped));
  if (list.list().is_pair()) places_[list.list().as_pair()] = where_;
  return list.list();
}

void MacroUse::repeat(Value pattern, const Matches& matches, int levels, ListBuilder* out) {
  std::vector<uint64_t> names;
  variables_of(pattern, &names);
  size_t count = 0;
  bool any = false;
  for (const uint64_t name : names) {
    const auto found = matches.find(name);
    if (found == matches.end() || !found->second.repeated) continue;
    count = any ? std::min(count, found->second.items.size()) : found->second.items.size();
    any = true;
  }
  if (!any) fail_at(store_, where_, "an ellipsis follows what does not repeat");
  for (size_t i = 0; i < count; ++i) {
    Matches one = matches;
    for (const uint64_t name : names) {
      const auto found = matches.find(name);
      if (found != matches.end() && found->second.repeated) one[name] = found->second.items[i];
    }
    if (levels > 1) {
      repeat(pattern, one, levels - 1, out);
    } else {
      out->add(fill(pattern, one, false));
    }
  }
}

}  // namespace scheme
