// Expander: special forms that are made of the core ones.
#include "examples/scheme/compiler/expander.h"

namespace scheme {

// (do ((variable value step) ...) (test result ...) body ...), a loop that calls itself.
Node* Expander::do_loop(Value form, const Context& context) {
  check_list(form, 3, -1, context);
  ListBuilder bindings(store_);
  ListBuilder again(store_);
  const Value loop = aliased("loop");
  again.add(loop);
  for (Value rest = check_list(car(cdr(form)), 0, -1, context); rest.is_pair(); rest = cdr(rest)) {
    const Value spec = check_list(car(rest), 2, 3, context);
    bindings.add(list({car(spec), car(cdr(spec))}));
    again.add(cdr(cdr(spec)) == kNil ? car(spec) : car(cdr(cdr(spec))));
  }
  const Value end = check_list(car(cdr(cdr(form))), 1, -1, context);
  ListBuilder body(store_);
  body.add(aliased("begin"));
  for (Value rest = cdr(cdr(cdr(form))); rest.is_pair(); rest = cdr(rest)) body.add(car(rest));
  body.add(again.list());
  const Value result =
      cdr(end) == kNil ? list({aliased("begin")}) : keep(store_.cons(aliased("begin"), cdr(end)));
  const Value test = list({aliased("if"), car(end), result, body.list()});
  const Value made = list({aliased("let"), loop, bindings.list(), test});
  return expand(made, context);
}

Node* Expander::cond(Value clauses, const Context& outer, Node* otherwise) {
  const Depth depth(*this, outer);
  Context context = at(clauses.is_pair() ? car(clauses) : clauses, outer);
  context.top = false;
  if (clauses == kNil) return otherwise != nullptr ? otherwise : constant(kUnspecified, context);
  if (!clauses.is_pair()) malformed(clauses, context);
  const Value clause = check_list(car(clauses), 1, -1, context);
  const Value rest = cdr(clauses);
  if (is_keyword(car(clause), "else", context.scope)) {
    if (rest != kNil) malformed(clause, context);
    return sequence(cdr(clause), context);
  }
  if (cdr(clause) == kNil) {
    return node(NodeKind::kOr, context,
                {expand(car(clause), context), cond(rest, outer, otherwise)});
  }
  if (is_keyword(car(cdr(clause)), "=>", context.scope))
    return cond_arrow(clause, rest, context, otherwise);
  Node* test = expand(car(clause), context);
  Node* then = sequence(cdr(clause), context);
  return node(NodeKind::kIf, context, {test, then, cond(rest, outer, otherwise)});
}

// (test => receiver)
Node* Expander::cond_arrow(Value clause, Value rest, const Context& context, Node* otherwise) {
  check_list(clause, 3, 3, context);
  Node* made = node(NodeKind::kLet, context, {expand(car(clause), context)});
  Variable* test = new_variable(kFalse, context.lambda);
  made->variables.push_back(test);
  Node* receiver = expand(car(cdr(cdr(clause))), context);
  Node* use = node(NodeKind::kCall, context, {receiver, reference(test, context)});
  made->parts.push_back(node(NodeKind::kIf, context,
                             {reference(test, context), use, cond(rest, context, otherwise)}));
  return made;
}

Node* Expander::case_of(Value form, const Context& outer) {
  check_list(form, 2, -1, outer);
  Context context = outer;
  context.top = false;
  Node* made = node(NodeKind::kLet, context, {expand(car(cdr(form)), context)});
  made->variables.push_back(new_variable(kFalse, context.lambda));
  made->parts.push_back(case_clauses(cdr(cdr(form)), made->variables[0], context));
  return made;
}

Node* Expander::case_clauses(Value clauses, Variable* key, const Context& context) {
  const Depth depth(*this, context);
  if (clauses == kNil) return constant(kUnspecified, context);
  const Value clause = check_list(car(clauses), 2, -1, context);
  const bool is_else = is_keyword(car(clause), "else", context.scope);
  Node* then = nullptr;
  if (is_keyword(car(cdr(clause)), "=>", context.scope)) {
    check_list(clause, 3, 3, context);
    then = node(NodeKind::kCall, context,
                {expand(car(cdr(cdr(clause))), context), reference(key, context)});
  } else {
    then = sequence(cdr(clause), context);
  }
  if (is_else) return then;
  Node* test = global_call(
      "memv", context,
      {reference(key, context),
       constant(strip_aliases(store_, check_list(car(clause), 0, -1, context)), context)});
  return node(NodeKind::kIf, context, {test, then, case_clauses(cdr(clauses), key, context)});
}

Node* Expander::conjunction(Value forms, const Context& outer) {
  const Depth depth(*this, outer);
  Context context = outer;
  context.top = false;
  if (forms == kNil) return constant(kTrue, context);
  Node* first = expand(car(forms), context);
  if (cdr(forms) == kNil) return first;
  return node(NodeKind::kIf, context,
              {first, conjunction(cdr(forms), context), constant(kFalse, context)});
}

Node* Expander::disjunction(Value forms, const Context& outer) {
  Context context = outer;
  context.top = false;
  if (forms == kNil) return constant(kFalse, context);
  Node* made = node(NodeKind::kOr, context);
  for (; forms.is_pair(); forms = cdr(forms)) made->parts.push_back(expand(car(forms), context));
  return made->parts.size() == 1 ? made->parts[0] : made;
}

Node* Expander::quasiquote(Value datum, int level, const Context& outer) {
  const Depth depth(*this, outer);
  Context context = at(datum, outer);
  context.top = false;
  if (datum.is(Type::kVector)) {
    ListBuilder items(store_);
    for (uint64_t i = 0; i < tuple(datum)->length(); ++i) items.add(tuple(datum)->at(i));
    return global_call("list->vector", context, {quasiquote(keep(items.list()), level, context)});
  }
  if (!datum.is_pair()) return constant(strip_aliases(store_, datum), context);
  return quasi_pair(datum, level, context);
}

Node* Expander::quasi_pair(Value datum, int level, const Context& context) {
  const Value head = car(datum);
  const bool unquotes = is_keyword(head, "unquote", context.scope);
  const bool nests = is_keyword(head, "quasiquote", context.scope);
  if ((unquotes || nests) && cdr(datum).is_pair() && cdr(cdr(datum)) == kNil) {
    if (unquotes && level == 1) return expand(car(cdr(datum)), context);
    Node* inner = quasiquote(car(cdr(datum)), unquotes ? level - 1 : level + 1, context);
    return global_call("list", context, {constant(strip_aliases(store_, head), context), inner});
  }
  if (head.is_pair() && is_keyword(car(head), "unquote-splicing", context.scope) &&
      cdr(head).is_pair()) {
    Node* rest = quasiquote(cdr(datum), level, context);
    if (level == 1) return global_call("append", context, {expand(car(cdr(head)), context), rest});
    Node* spliced = global_call("list", context,
                                {constant(store_.symbol("unquote-splicing"), context),
                                 quasiquote(car(cdr(head)), level - 1, context)});
    return global_call("cons", context, {spliced, rest});
  }
  Node* first = quasiquote(head, level, context);
  Node* rest = quasiquote(cdr(datum), level, context);
  if (first->kind == NodeKind::kConstant && rest->kind == NodeKind::kConstant) {
    return constant(store_.cons(first->value, rest->value), context);
  }
  return global_call("cons", context, {first, rest});
}

// A procedure of a list of arguments, which is given to the first of the clauses that takes so many.
Node* Expander::case_lambda(Value clauses, const Context& outer) {
  Lambda* made = new_lambda(outer, kFalse);
  made->has_rest = true;
  Variable* arguments = new_variable(kFalse, made);
  made->parameters.push_back(arguments);
  Context context = outer;
  context.lambda = made;
  context.top = false;
  Node* tests = global_call(
      "error", context,
      {constant(keep(store_.string(std::string_view("wrong number of arguments"))), context),
       reference(arguments, context)});
  std::vector<Value> all;
  for (; clauses.is_pair(); clauses = cdr(clauses))
    all.push_back(check_list(car(clauses), 2, -1, context));
  for (size_t i = all.size(); i-- > 0;) {
    Node* procedure = lambda(car(all[i]), cdr(all[i]), kFalse, context);
    const Lambda* of = procedure->lambda;
    const auto least = static_cast<int64_t>(of->parameters.size()) - (of->has_rest ? 1 : 0);
    Node* test = global_call(of->has_rest ? ">=" : "=", context,
                             {global_call("length", context, {reference(arguments, context)}),
                              constant(Value::fixnum(least), context)});
    Node* use = global_call("apply", context, {procedure, reference(arguments, context)});
    tests = node(NodeKind::kIf, context, {test, use, tests});
  }
  made->body = tests;
  Node* result = node(NodeKind::kLambda, outer);
  result->lambda = made;
  return result;
}

// Receivers in each other. Without `sequential` what they bind is named only when all values are computed.
Node* Expander::let_values(Value form, bool sequential, const Context& outer) {
  check_list(form, 3, -1, outer);
  Context context = outer;
  context.top = false;
  std::vector<std::pair<Node*, Scope*>> receivers;
  Node* outermost = nullptr;
  Node** hole = &outermost;
  const auto bind_all = [&](Lambda* lambda, Scope* scope) {
    for (Variable* parameter : lambda->parameters)
      scope->bindings.push_back({parameter->name, parameter, {}});
  };
  for (Value rest = check_list(car(cdr(form)), 0, -1, context); rest.is_pair(); rest = cdr(rest)) {
    const Depth depth(*this, context);
    const Value binding = check_list(car(rest), 2, 2, context);
    Node* producer = lambda(kNil, cdr(binding), kFalse, context);
    Node* receiver = node(NodeKind::kLambda, context);
    receiver->lambda = new_lambda(context, kFalse);
    parameters(car(binding), receiver->lambda, context);
    *hole = global_call("call-with-values", context, {producer, receiver});
    hole = &receiver->lambda->body;
    context.scope = new_scope(context, receiver->lambda);
    context.lambda = receiver->lambda;
    receivers.emplace_back(receiver, context.scope);
    if (sequential) bind_all(receiver->lambda, context.scope);
  }
  if (!sequential) {
    for (const auto& [receiver, scope] : receivers) bind_all(receiver->lambda, scope);
  }
  *hole = body(cdr(cdr(form)), context);
  return outermost;
}

Node* Expander::parameterize(Value form, const Context& outer) {
  check_list(form, 3, -1, outer);
  Context context = outer;
  context.top = false;
  Node* parameters = global_call("list", context, {});
  Node* values = global_call("list", context, {});
  for (Value rest = check_list(car(cdr(form)), 0, -1, context); rest.is_pair(); rest = cdr(rest)) {
    const Value binding = check_list(car(rest), 2, 2, context);
    parameters->parts.push_back(expand(car(binding), context));
    values->parts.push_back(expand(car(cdr(binding)), context));
  }
  return global_call("%parameterize", context,
                     {parameters, values, thunk(cdr(cdr(form)), context)});
}

// (guard (variable clause ...) body ...): the clauses are a procedure of the condition and of what raises it again.
Node* Expander::guard(Value form, const Context& outer) {
  check_list(form, 3, -1, outer);
  Context context = outer;
  context.top = false;
  const Value spec = check_list(car(cdr(form)), 1, -1, context);
  Node* protected_body = thunk(cdr(cdr(form)), context);
  Lambda* handler = new_lambda(context, kFalse);
  Context inner = context;
  inner.lambda = handler;
  inner.scope = new_scope(context, handler);
  handler->parameters.push_back(bind(car(spec), inner.scope, handler, context));
  Variable* again = new_variable(kFalse, handler);
  handler->parameters.push_back(again);
  handler->body = cond(cdr(spec), inner, node(NodeKind::kCall, inner, {reference(again, inner)}));
  Node* procedure = node(NodeKind::kLambda, context);
  procedure->lambda = handler;
  return global_call("%guard", context, {protected_body, procedure});
}

Node* Expander::assertion(Value form, const Context& outer) {
  check_list(form, 2, 2, outer);
  Context context = outer;
  context.top = false;
  Node* complaint =
      global_call("error", context,
                  {constant(keep(store_.string(std::string_view("assertion failed"))), context),
                   constant(strip_aliases(store_, car(cdr(form))), context)});
  return node(NodeKind::kIf, context,
              {expand(car(cdr(form)), context), constant(kUnspecified, context), complaint});
}

}  // namespace scheme
