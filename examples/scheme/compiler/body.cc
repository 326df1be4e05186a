// Expander: bodies with their definitions, and definitions at the top level.
#include "examples/scheme/compiler/expander.h"

namespace scheme {

Node* Expander::sequence(Value forms, const Context& context) {
  check_list(forms, 1, -1, context);
  if (cdr(forms) == kNil) return expand(car(forms), context);
  Node* made = node(NodeKind::kSequence, context);
  for (; forms.is_pair(); forms = cdr(forms)) made->parts.push_back(expand(car(forms), context));
  return made;
}

Node* Expander::body(Value forms, const Context& outer) {
  check_list(forms, 1, -1, outer);
  Scope* scope = new_scope(outer, outer.lambda);
  const Context context = inside(scope, outer);
  std::vector<Definition> definitions;
  std::vector<Value> rest;
  for (; forms.is_pair(); forms = cdr(forms)) scan(car(forms), scope, &definitions, &rest, context);
  if (rest.empty()) fail_at(store_, outer.where, "a body without an expression");
  std::vector<Node*> nodes;
  if (definitions.empty()) {
    for (const Value form : rest) nodes.push_back(expand(form, context));
    return nodes.size() == 1 ? nodes[0] : node(NodeKind::kSequence, context, nodes);
  }
  Node* made = node(NodeKind::kLetrec, context);
  std::vector<Node*> statements;
  statements.reserve(rest.size());
  for (const Definition& definition : definitions) {
    made->variables.push_back(definition.variable);
    made->parts.push_back(value_of(definition, context));
  }
  for (const Value form : rest) statements.push_back(expand(form, context));
  made->parts.push_back(statements.size() == 1 ? statements[0]
                                               : node(NodeKind::kSequence, context, statements));
  return made;
}

Node* Expander::value_of(const Definition& definition, const Context& outer) {
  Context context = outer;
  context.where = definition.where;
  if (definition.lambda_parameters != Value()) {
    return lambda(definition.lambda_parameters, definition.form, definition.variable->name,
                  context);
  }
  Node* value = expand(definition.form, context);
  if (value->kind == NodeKind::kLambda && value->lambda->name == kFalse) {
    value->lambda->name = strip_aliases(store_, definition.variable->name);
  }
  return value;
}

// Definitions may come behind expressions, whose values are dropped: they are definitions of nameless variables.
void Expander::scan(Value form, Scope* scope, std::vector<Definition>* definitions,
                    std::vector<Value>* rest, const Context& outer) {
  const Depth depth(*this, outer);
  const Context context = at(form, outer);
  const auto flush = [&] {
    for (const Value expression : *rest) {
      definitions->push_back({new_variable(kFalse, scope->lambda), expression, {}, context.where});
    }
    rest->clear();
  };
  if (form.is_pair() && is_symbol(car(form))) {
    const Meaning meaning = syntax_.meaning(car(form), scope);
    if (meaning.macro != Value()) {
      return scan(expand_macro(form, meaning, context), scope, definitions, rest, context);
    }
  }
  if (is_form(form, Form::kBegin, scope)) {
    for (Value forms = cdr(check_list(form, 1, -1, context)); forms.is_pair(); forms = cdr(forms)) {
      scan(car(forms), scope, definitions, rest, context);
    }
  } else if (is_form(form, Form::kDefine, scope)) {
    check_list(form, 2, -1, context);
    flush();
    Value target = car(cdr(form));
    if (target.is_pair()) {
      definitions->push_back({bind(car(target), scope, scope->lambda, context), cdr(cdr(form)),
                              cdr(target), context.where});
    } else {
      check_list(form, 3, 3, context);
      definitions->push_back(
          {bind(target, scope, scope->lambda, context), car(cdr(cdr(form))), {}, context.where});
    }
  } else if (is_form(form, Form::kDefineValues, scope)) {
    check_list(form, 3, 3, context);
    flush();
    rest->push_back(scan_values(form, scope, definitions, context));
    flush();
  } else if (is_form(form, Form::kCondExpand, scope)) {
    for (Value forms = chosen_clause(form, context); forms.is_pair(); forms = cdr(forms)) {
      scan(car(forms), scope, definitions, rest, context);
    }
  } else if (is_form(form, Form::kDefineRecordType, scope)) {
    scan(record_definitions(form, context), scope, definitions, rest, context);
  } else if (is_form(form, Form::kDefineSyntax, scope)) {
    define_syntax(form, context);
  } else {
    rest->push_back(form);
  }
}

// (define-values formals expression): the variables first; the expression that sets them is returned.
Value Expander::scan_values(Value form, Scope* scope, std::vector<Definition>* definitions,
                            const Context& context) {
  ListBuilder temporaries(store_);
  ListBuilder forms(store_);
  Value names = car(cdr(form));
  const auto add = [&](Value name) {
    definitions->push_back({bind(name, scope, scope->lambda, context), kFalse, {}, context.where});
    const Value temporary = aliased("value");
    forms.add(list({aliased("set!"), name, temporary}));
    return temporary;
  };
  for (; names.is_pair(); names = cdr(names)) temporaries.add(add(car(names)));
  if (names != kNil) temporaries.set_tail(add(names));
  forms.add(kTrue);
  const Value receiver =
      keep(store_.cons(aliased("lambda"), keep(store_.cons(temporaries.list(), forms.list()))));
  const Value producer = list({aliased("lambda"), kNil, car(cdr(cdr(form)))});
  return list({aliased("call-with-values"), producer, receiver});
}

Node* Expander::definition(Value form, const Context& context) {
  check_list(form, 2, -1, context);
  if (!context.top) fail_at(store_, context.where, "a definition where an expression is wanted");
  const Value target = car(cdr(form));
  Value name = target.is_pair() ? car(target) : target;
  if (!is_symbol(name)) malformed(form, context);
  name = strip_aliases(store_, name);
  Node* made = node(NodeKind::kDefine, context);
  made->value = name;
  Definition definition{new_variable(name, context.lambda), {}, {}, context.where};
  if (target.is_pair()) {
    definition.form = cdr(cdr(form));
    definition.lambda_parameters = cdr(target);
  } else {
    check_list(form, 2, 3, context);
    definition.form = cdr(cdr(form)) == kNil ? kUnspecified : car(cdr(cdr(form)));
  }
  // From here on it is a variable, whatever it was.
  name.as<Symbol>()->syntax = kFalse;
  Context inner = context;
  inner.top = false;
  made->parts.push_back(value_of(definition, inner));
  return made;
}

// At the top level: (define-values formals expression).
Node* Expander::definition_of_values(Value form, const Context& context) {
  check_list(form, 3, 3, context);
  if (!context.top) fail_at(store_, context.where, "a definition where an expression is wanted");
  ListBuilder forms(store_);
  forms.add(aliased("begin"));
  ListBuilder temporaries(store_);
  ListBuilder sets(store_);
  Value names = car(cdr(form));
  const auto add = [&](Value name) {
    forms.add(list({aliased("define"), name, kFalse}));
    const Value temporary = aliased("value");
    sets.add(list({aliased("set!"), name, temporary}));
    return temporary;
  };
  for (; names.is_pair(); names = cdr(names)) temporaries.add(add(car(names)));
  if (names != kNil) temporaries.set_tail(add(names));
  sets.add(kTrue);
  const Value receiver =
      keep(store_.cons(aliased("lambda"), keep(store_.cons(temporaries.list(), sets.list()))));
  const Value producer = list({aliased("lambda"), kNil, car(cdr(cdr(form)))});
  forms.add(list({aliased("call-with-values"), producer, receiver}));
  return expand(keep(forms.list()), context);
}

void Expander::define_syntax(Value form, const Context& context) {
  check_list(form, 3, 3, context);
  const Value name = car(cdr(form));
  if (!is_symbol(name)) malformed(form, context);
  const Value rules = car(cdr(cdr(form)));
  // Its first word may be an alias.
  Value plain = rules;
  if (rules.is_pair() && is_symbol(car(rules)) && name_of(car(rules)) == "syntax-rules") {
    plain = keep(store_.cons(store_.symbol("syntax-rules"), cdr(rules)));
  }
  const uint64_t scope = context.scope == nullptr ? 0 : context.scope->number;
  const Value macro = make_macro(store_, plain, scope, context.where);
  if (context.scope == nullptr) {
    strip_aliases(store_, name).as<Symbol>()->syntax = macro;
  } else {
    context.scope->bindings.push_back({name, nullptr, macro});
  }
}

// let-syntax is letrec-syntax.
Node* Expander::let_syntax(Value form, const Context& context) {
  check_list(form, 3, -1, context);
  Scope* scope = new_scope(context, context.lambda);
  const Context inner = inside(scope, context);
  for (Value rest = check_list(car(cdr(form)), 0, -1, context); rest.is_pair(); rest = cdr(rest)) {
    define_syntax(keep(store_.cons(kFalse, check_list(car(rest), 2, 2, context))), inner);
  }
  return body(cdr(cdr(form)), inner);
}

// (begin (define type ...) ...), of (define-record-type type (constructor field ...) predicate
// (field accessor modifier) ...).
Value Expander::record_definitions(Value form, const Context& context) {
  check_list(form, 4, -1, context);
  const Value type = car(cdr(form)).is_pair() ? car(car(cdr(form))) : car(cdr(form));
  const Value constructor = car(cdr(cdr(form)));
  const Value predicate = car(cdr(cdr(cdr(form))));
  const Value fields = cdr(cdr(cdr(cdr(form))));
  const Value define = aliased("define");
  const Value lambda = aliased("lambda");
  const Value quote = aliased("quote");
  const Value record = aliased("record");
  const Value value = aliased("value");
  ListBuilder names(store_);
  ListBuilder all(store_);
  all.add(aliased("begin"));
  for (Value rest = fields; rest.is_pair(); rest = cdr(rest)) {
    names.add(car(rest).is_pair() ? car(car(rest)) : car(rest));
  }
  all.add(
      list({define, type,
            list({aliased("%record-type"), list({quote, type}), list({quote, names.list()})})}));
  if (constructor.is_pair() || is_symbol(constructor)) {
    const Value given = constructor.is_pair() ? cdr(constructor) : names.list();
    ListBuilder make(store_);
    make.add(aliased("%record"));
    make.add(type);
    for (Value rest = names.list(); rest.is_pair(); rest = cdr(rest)) {
      bool is_given = false;
      for (Value other = given; other.is_pair(); other = cdr(other))
        is_given |= car(other) == car(rest);
      make.add(is_given ? car(rest) : kFalse);
    }
    const Value name = constructor.is_pair() ? car(constructor) : constructor;
    all.add(list({define, name, list({lambda, given, make.list()})}));
  }
  if (is_symbol(predicate)) {
    all.add(list({define, predicate,
                  list({lambda, list({record}), list({aliased("%record?"), type, record})})}));
  }
  int64_t index = 1;
  for (Value rest = fields; rest.is_pair(); rest = cdr(rest), ++index) {
    const Value field = car(rest);
    if (!field.is_pair() || !cdr(field).is_pair()) continue;
    const Value accessor = car(cdr(field));
    all.add(list({define, accessor,
                  list({lambda, list({record}),
                        list({aliased("%record-ref"), type, record, Value::fixnum(index),
                              list({quote, accessor})})})}));
    if (!cdr(cdr(field)).is_pair()) continue;
    const Value modifier = car(cdr(cdr(field)));
    all.add(list({define, modifier,
                  list({lambda, list({record, value}),
                        list({aliased("%record-set!"), type, record, Value::fixnum(index), value,
                              list({quote, modifier})})})}));
  }
  return keep(all.list());
}

// The forms of the first clause of cond-expand whose requirement holds; (): none does.
Value Expander::chosen_clause(Value form, const Context& context) {
  for (Value rest = cdr(check_list(form, 1, -1, context)); rest.is_pair(); rest = cdr(rest)) {
    const Value clause = check_list(car(rest), 1, -1, context);
    if (has_feature(car(clause), context)) return cdr(clause);
  }
  return kNil;
}

// All libraries are there: their names are always visible.
bool Expander::has_feature(Value requirement, const Context& context) {
  const Depth depth(*this, context);
  if (is_symbol(requirement)) {
    const std::string& name = name_of(requirement);
    return name == "else" || name == "r7rs" || name == "full-unicode" || name == "acre-scheme";
  }
  check_list(requirement, 1, -1, context);
  if (!is_symbol(car(requirement))) malformed(requirement, context);
  const std::string& what = name_of(car(requirement));
  if (what == "library") return true;
  if (what == "not") return !has_feature(car(cdr(check_list(requirement, 2, 2, context))), context);
  if (what != "and" && what != "or") malformed(requirement, context);
  for (Value rest = cdr(requirement); rest.is_pair(); rest = cdr(rest)) {
    if (has_feature(car(rest), context) == (what == "or")) return what == "or";
  }
  return what == "and";
}

}  // namespace scheme
