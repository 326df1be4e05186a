// Expander: what its other parts are made of.
#include "examples/scheme/compiler/expander.h"

namespace scheme {

Expander::Context Expander::at(Value form, const Context& context) const {
  Context here = context;
  if (form.is_pair()) {
    const auto found = places_.find(form.as_pair());
    if (found != places_.end()) here.where = found->second;
  }
  return here;
}

Expander::Context Expander::inside(Scope* scope, const Context& context) const {
  Context inner = context;
  inner.scope = scope;
  inner.top = false;
  return inner;
}

void Expander::malformed(Value form, const Context& context) {
  const Value head = form.is_pair() ? car(form) : form;
  fail_at(store_, at(form, context).where, "malformed form",
          {is_symbol(head) ? strip_aliases(store_, head) : strip_aliases(store_, form)});
}

// The list itself if it is one, of so many items.
Value Expander::check_list(Value form, int64_t least, int64_t most, const Context& context) {
  int64_t count = 0;
  Value rest = form;
  for (; rest.is_pair() && count < (1 << 24); rest = cdr(rest)) ++count;
  if (rest != kNil || count < least || (most >= 0 && count > most)) malformed(form, context);
  return form;
}

bool Expander::is_form(Value form, Form which, Scope* scope) {
  if (!form.is_pair() || !is_symbol(car(form))) return false;
  const Meaning meaning = syntax_.meaning(car(form), scope);
  return meaning.global != Value() &&
         Value(meaning.global.as<Symbol>()->syntax) == Value::fixnum(static_cast<int64_t>(which));
}

bool Expander::is_keyword(Value datum, std::string_view name, Scope* scope) {
  if (!is_symbol(datum)) return false;
  const Meaning meaning = syntax_.meaning(datum, scope);
  return meaning.global != Value() && name_of(meaning.global) == name;
}

Value Expander::expand_macro(Value form, const Meaning& meaning, const Context& context) {
  check_list(form, 1, -1, context);
  return MacroUse(store_, syntax_, places_, meaning.macro, context.scope, context.where)
      .expand(form);
}

Value Expander::keep(Value value) {
  store_.kept.push_back(value);
  return value;
}

// A name that means what it means at the top level, whatever is bound around it.
Value Expander::aliased(std::string_view name) {
  return keep(store_.alias(store_.symbol(name), 0));
}

Value Expander::list(std::initializer_list<Value> items) {
  ListBuilder made(store_);
  for (const Value item : items) made.add(item);
  return keep(made.list());
}

Node* Expander::node(NodeKind kind, const Context& context, std::vector<Node*> parts) {
  syntax_.nodes.push_back({.kind = kind, .where = context.where, .parts = std::move(parts)});
  return &syntax_.nodes.back();
}

Node* Expander::constant(Value value, const Context& context) {
  Node* made = node(NodeKind::kConstant, context);
  made->value = keep(value);
  return made;
}

Node* Expander::global(std::string_view name, const Context& context) {
  Node* made = node(NodeKind::kGlobal, context);
  made->value = store_.symbol(name);
  return made;
}

Node* Expander::global_call(std::string_view name, const Context& context,
                            std::vector<Node*> arguments) {
  arguments.insert(arguments.begin(), global(name, context));
  return node(NodeKind::kCall, context, std::move(arguments));
}

Node* Expander::thunk(Value forms, const Context& context) {
  return lambda(kNil, forms, kFalse, context);
}

Scope* Expander::new_scope(const Context& context, Lambda* lambda) {
  syntax_.scopes.push_back({context.scope, lambda, syntax_.scopes.size() + 1, {}});
  return &syntax_.scopes.back();
}

Lambda* Expander::new_lambda(const Context& context, Value name) {
  syntax_.lambdas.push_back({.outer = context.lambda, .name = strip_aliases(store_, name)});
  return &syntax_.lambdas.back();
}

Variable* Expander::new_variable(Value name, Lambda* owner) {
  syntax_.variables.push_back({.name = name, .owner = owner});
  return &syntax_.variables.back();
}

Variable* Expander::bind(Value name, Scope* scope, Lambda* owner, const Context& context) {
  if (!is_symbol(name)) fail_at(store_, context.where, "not a name", {strip_aliases(store_, name)});
  Variable* variable = new_variable(name, owner);
  scope->bindings.push_back({name, variable, {}});
  return variable;
}

// Fills in the lambda's parameters; in no scope yet. Returns their names.
Value Expander::parameters(Value formals, Lambda* lambda, const Context& context) {
  Value rest = formals;
  const auto add = [&](Value name) {
    if (!is_symbol(name))
      fail_at(store_, context.where, "not a name", {strip_aliases(store_, name)});
    for (const Variable* other : lambda->parameters) {
      if (other->name == name)
        fail_at(store_, context.where, "parameter given twice", {strip_aliases(store_, name)});
    }
    lambda->parameters.push_back(new_variable(name, lambda));
  };
  for (; rest.is_pair(); rest = cdr(rest)) add(car(rest));
  if (rest != kNil) {
    add(rest);
    lambda->has_rest = true;
  }
  return formals;
}

}  // namespace scheme
