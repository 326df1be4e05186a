#include "examples/scheme/compiler/expander.h"

#include <algorithm>

namespace scheme {

namespace {

Value rest_after(Value form, int count) {
  for (; count > 0; --count) form = cdr(form);
  return form;
}

}  // namespace

Meaning Syntax::meaning(Value name, Scope* inner) {
  for (;;) {
    for (Scope* scope = inner; scope != nullptr; scope = scope->outer) {
      for (const Scope::Binding& binding : scope->bindings) {
        if (binding.name == name) return {binding.variable, binding.macro, {}};
      }
    }
    const auto* symbol = name.as<Symbol>();
    const Value original = symbol->alias_of;
    if (original == Value()) {
      const Value what = symbol->syntax;
      return {nullptr, what.is(Type::kMacro) ? what : Value(), name};
    }
    inner = scope(symbol->scope);
    name = original;
  }
}

Lambda* Expander::top_level(Value form) {
  const Context outside{nullptr, nullptr, {}, true};
  Context context = at(form, outside);
  context.lambda = new_lambda(outside, kFalse);
  context.lambda->body = expand(form, context);
  return context.lambda;
}

Node* Expander::expand(Value form, const Context& outer) {
  const Depth depth(*this, outer);
  if (is_symbol(form)) return name(form, outer);
  if (form.is_pair()) return expand_pair(form, at(form, outer));
  if (form == kNil) fail_at(store_, outer.where, "() is no expression: quote it");
  return constant(form, outer);
}

Node* Expander::expand_pair(Value form, const Context& context) {
  const Value head = car(form);
  if (is_symbol(head)) {
    const Meaning meaning = syntax_.meaning(head, context.scope);
    if (meaning.macro != Value()) return expand(expand_macro(form, meaning, context), context);
    if (meaning.global != Value()) {
      const Value what = meaning.global.as<Symbol>()->syntax;
      if (what.is_fixnum()) return special(static_cast<Form>(what.as_fixnum()), form, context);
    }
  }
  return call(form, context);
}

Node* Expander::special(Form which, Value form, const Context& context) {
  check_list(form, 1, -1, context);
  const Value rest = cdr(form);
  switch (which) {
    case Form::kQuote:
      check_list(form, 2, 2, context);
      return constant(strip_aliases(store_, car(rest)), context);
    case Form::kQuasiquote:
      check_list(form, 2, 2, context);
      return quasiquote(car(rest), 1, context);
    case Form::kLambda:
      check_list(form, 3, -1, context);
      return lambda(car(rest), cdr(rest), kFalse, context);
    case Form::kDefine: return definition(form, context);
    case Form::kSet: return assignment(form, context);
    case Form::kIf: return conditional(form, context);
    case Form::kBegin:
      if (rest == kNil) return constant(kUnspecified, context);
      return sequence(rest, context);
    case Form::kLet: return let(form, context);
    case Form::kLetStar:
      check_list(form, 3, -1, context);
      return let_star(check_list(car(rest), 0, -1, context), cdr(rest), context);
    case Form::kLetrec: return letrec(form, context);
    case Form::kDo: return do_loop(form, context);
    case Form::kCond: return cond(rest, context, nullptr);
    case Form::kCase: return case_of(form, context);
    case Form::kAnd: return conjunction(rest, context);
    case Form::kOr: return disjunction(rest, context);
    case Form::kWhen: return one_armed(form, true, context);
    case Form::kUnless: return one_armed(form, false, context);
    case Form::kCaseLambda: return case_lambda(rest, context);
    case Form::kLetValues: return let_values(form, false, context);
    case Form::kLetStarValues: return let_values(form, true, context);
    case Form::kDefineValues: return definition_of_values(form, context);
    case Form::kDefineRecordType:
      if (!context.top) malformed(form, context);
      return sequence(cdr(record_definitions(form, context)), context);
    case Form::kDelay:
      return global_call("%delay", context, {thunk(rest, context), constant(kTrue, context)});
    case Form::kDelayForce:
      return global_call("%delay", context, {thunk(rest, context), constant(kFalse, context)});
    case Form::kParameterize: return parameterize(form, context);
    case Form::kGuard: return guard(form, context);
    case Form::kDefineSyntax: define_syntax(form, context); return constant(kUnspecified, context);
    case Form::kLetSyntax: return let_syntax(form, context);
    case Form::kAssert: return assertion(form, context);
    case Form::kCondExpand: {
      const Value chosen = chosen_clause(form, context);
      return chosen == kNil ? constant(kUnspecified, context) : sequence(chosen, context);
    }
    case Form::kImport: return constant(kUnspecified, context);
    case Form::kNone: break;
  }
  malformed(form, context);
}

Node* Expander::call(Value form, const Context& context) {
  check_list(form, 1, -1, context);
  Context nested = context;
  nested.top = false;
  Node* made = node(NodeKind::kCall, context);
  for (Value rest = form; rest.is_pair(); rest = cdr(rest)) {
    made->parts.push_back(expand(car(rest), nested));
  }
  return made;
}

// Every procedure between a variable and its use carries it.
Node* Expander::reference(Variable* variable, const Context& context) {
  for (Lambda* user = context.lambda; user != variable->owner; user = user->outer) {
    variable->captured = true;
    if (std::find(user->free.begin(), user->free.end(), variable) == user->free.end()) {
      user->free.push_back(variable);
    }
  }
  Node* made = node(NodeKind::kLocal, context);
  made->variable = variable;
  return made;
}

Node* Expander::name(Value symbol, const Context& context) {
  const Meaning meaning = syntax_.meaning(symbol, context.scope);
  if (meaning.variable != nullptr) return reference(meaning.variable, context);
  if (meaning.macro != Value() || Value(meaning.global.as<Symbol>()->syntax) != kFalse) {
    fail_at(store_, context.where, "syntax used as a variable", {strip_aliases(store_, symbol)});
  }
  Node* made = node(NodeKind::kGlobal, context);
  made->value = meaning.global;
  return made;
}

Node* Expander::assignment(Value form, const Context& context) {
  check_list(form, 3, 3, context);
  const Value target = car(cdr(form));
  if (!is_symbol(target)) malformed(form, context);
  Context nested = context;
  nested.top = false;
  Node* what = expand(car(cdr(cdr(form))), nested);
  Node* place = name(target, context);
  Node* made = node(place->kind == NodeKind::kLocal ? NodeKind::kSetLocal : NodeKind::kSetGlobal,
                    context, {what});
  made->variable = place->variable;
  made->value = place->value;
  if (made->variable != nullptr) made->variable->assigned = true;
  return made;
}

Node* Expander::conditional(Value form, const Context& outer) {
  check_list(form, 3, 4, outer);
  Context context = outer;
  context.top = false;
  const Value rest = cdr(form);
  Node* test = expand(car(rest), context);
  Node* then = expand(car(cdr(rest)), context);
  const Value otherwise = cdr(cdr(rest));
  return node(
      NodeKind::kIf, context,
      {test, then,
       otherwise == kNil ? constant(kUnspecified, context) : expand(car(otherwise), context)});
}

Node* Expander::one_armed(Value form, bool when, const Context& outer) {
  check_list(form, 2, -1, outer);
  Context context = outer;
  context.top = false;
  Node* test = expand(car(cdr(form)), context);
  const Value forms = cdr(cdr(form));
  Node* then = forms == kNil ? constant(kUnspecified, context) : sequence(forms, context);
  Node* otherwise = constant(kUnspecified, context);
  if (!when) std::swap(then, otherwise);
  return node(NodeKind::kIf, context, {test, then, otherwise});
}

Node* Expander::lambda(Value formals, Value forms, Value name, const Context& context) {
  Lambda* made = new_lambda(context, name);
  Context inner = context;
  inner.top = false;
  inner.lambda = made;
  inner.scope = new_scope(context, made);
  parameters(formals, made, inner);
  for (Variable* parameter : made->parameters) {
    inner.scope->bindings.push_back({parameter->name, parameter, {}});
  }
  made->body = body(forms, inner);
  Node* result = node(NodeKind::kLambda, context);
  result->lambda = made;
  return result;
}

Node* Expander::let(Value form, const Context& context) {
  check_list(form, 3, -1, context);
  if (is_symbol(car(cdr(form)))) return named_let(form, context);
  Node* made = node(NodeKind::kLet, context);
  Scope* scope = new_scope(context, context.lambda);
  Context outer = context;
  outer.top = false;
  std::vector<Variable*> variables;
  for (Value rest = check_list(car(cdr(form)), 0, -1, context); rest.is_pair(); rest = cdr(rest)) {
    const Value binding = check_list(car(rest), 2, 2, context);
    if (!is_symbol(car(binding))) malformed(form, context);
    made->parts.push_back(expand(car(cdr(binding)), outer));
    variables.push_back(new_variable(car(binding), context.lambda));
  }
  for (Variable* variable : variables) scope->bindings.push_back({variable->name, variable, {}});
  made->variables = variables;
  made->parts.push_back(body(rest_after(form, 2), inside(scope, context)));
  return made;
}

// (let name ((variable value) ...) body ...): the values are outside of the name's scope.
Node* Expander::named_let(Value form, const Context& context) {
  check_list(form, 4, -1, context);
  const Value name = car(cdr(form));
  Context outer = context;
  outer.top = false;
  Node* use = node(NodeKind::kCall, context, {nullptr});
  ListBuilder formals(store_);
  for (Value rest = check_list(car(rest_after(form, 2)), 0, -1, context); rest.is_pair();
       rest = cdr(rest)) {
    const Value binding = check_list(car(rest), 2, 2, context);
    formals.add(car(binding));
    use->parts.push_back(expand(car(cdr(binding)), outer));
  }
  Node* made = node(NodeKind::kLetrec, context);
  Scope* scope = new_scope(context, context.lambda);
  Variable* variable = bind(name, scope, context.lambda, context);
  const Context inner = inside(scope, context);
  made->variables.push_back(variable);
  made->parts.push_back(lambda(keep(formals.list()), rest_after(form, 3), name, inner));
  use->parts[0] = reference(variable, inner);
  made->parts.push_back(use);
  return made;
}

Node* Expander::let_star(Value bindings, Value forms, const Context& context) {
  const Depth depth(*this, context);
  Scope* scope = new_scope(context, context.lambda);
  if (bindings == kNil) return body(forms, inside(scope, context));
  const Value binding = check_list(car(bindings), 2, 2, context);
  Context outer = context;
  outer.top = false;
  Node* made = node(NodeKind::kLet, context, {expand(car(cdr(binding)), outer)});
  made->variables.push_back(bind(car(binding), scope, context.lambda, context));
  const Context inner = inside(scope, context);
  made->parts.push_back(cdr(bindings) == kNil ? body(forms, inner)
                                              : let_star(cdr(bindings), forms, inner));
  return made;
}

// letrec is letrec*: values are computed in order.
Node* Expander::letrec(Value form, const Context& context) {
  check_list(form, 3, -1, context);
  Node* made = node(NodeKind::kLetrec, context);
  Scope* scope = new_scope(context, context.lambda);
  const Value bindings = check_list(car(cdr(form)), 0, -1, context);
  for (Value rest = bindings; rest.is_pair(); rest = cdr(rest)) {
    made->variables.push_back(
        bind(car(check_list(car(rest), 2, 2, context)), scope, context.lambda, context));
  }
  const Context inner = inside(scope, context);
  for (Value rest = bindings; rest.is_pair(); rest = cdr(rest)) {
    made->parts.push_back(expand(car(cdr(car(rest))), inner));
    Node* value = made->parts.back();
    if (value->kind == NodeKind::kLambda && value->lambda->name == kFalse) {
      value->lambda->name = strip_aliases(store_, car(car(rest)));
    }
  }
  made->parts.push_back(body(rest_after(form, 2), inner));
  return made;
}

}  // namespace scheme
