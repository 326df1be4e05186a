// From a datum to a tree of Nodes: names are resolved, special forms and macros are taken apart. The forms that are
// the language's core are in expander.cc, what is made of those in derived.cc, bodies and definitions in body.cc.
#ifndef ACRE_EXAMPLES_SCHEME_COMPILER_EXPANDER_H_
#define ACRE_EXAMPLES_SCHEME_COMPILER_EXPANDER_H_

#include "examples/scheme/compiler/macro.h"

namespace scheme {

class Expander {
 public:
  // Everything that it makes in the heap is in store.kept: the caller shrinks it.
  Expander(Store& store, Syntax& syntax, Places& places)
      : store_(store), syntax_(syntax), places_(places) {}

  // The procedure without parameters whose body is this form at the top level.
  Lambda* top_level(Value form);

 private:
  // Where a form stands.
  struct Context {
    Scope* scope;
    Lambda* lambda;
    Position where;  // of the form around, for those that have no place
    bool top = false;
  };
  static constexpr int kDeepest = 1200;

  // Counts how deep forms are nested, which also ends macros that expand without end.
  class Depth {
   public:
    Depth(Expander& expander, const Context& context) : expander_(expander) {
      if (expander.depth_ >= kDeepest)
        fail_at(expander.store_, context.where, "forms are nested too deep");
      ++expander.depth_;
    }
    ~Depth() { --expander_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Expander& expander_;
  };

  // expander.cc
  Node* expand(Value form, const Context& context);
  Node* expand_pair(Value form, const Context& context);
  Node* special(Form which, Value form, const Context& context);
  Node* call(Value form, const Context& context);
  Node* name(Value symbol, const Context& context);
  Node* assignment(Value form, const Context& context);
  Node* conditional(Value form, const Context& context);
  Node* one_armed(Value form, bool when, const Context& context);
  Node* lambda(Value parameters, Value body, Value name, const Context& context);
  Node* let(Value form, const Context& context);
  Node* named_let(Value form, const Context& context);
  Node* let_star(Value bindings, Value body, const Context& context);
  Node* letrec(Value form, const Context& context);

  // body.cc
  struct Definition {
    Variable* variable;
    Value form;  // what it is defined as, or the formals and expression of define-values
    Value lambda_parameters;  // of (define (name . parameters) body ...); no value: not that
    Position where;
  };
  Node* sequence(Value forms, const Context& context);
  Node* body(Value forms, const Context& context);
  void scan(Value form, Scope* scope, std::vector<Definition>* definitions,
            std::vector<Value>* rest, const Context& context);
  Value scan_values(Value form, Scope* scope, std::vector<Definition>* definitions,
                    const Context& context);
  Node* definition(Value form, const Context& context);
  Node* definition_of_values(Value form, const Context& context);
  Node* value_of(const Definition& definition, const Context& context);
  void define_syntax(Value form, const Context& context);
  Node* let_syntax(Value form, const Context& context);
  Value record_definitions(Value form, const Context& context);
  Value chosen_clause(Value form, const Context& context);
  bool has_feature(Value requirement, const Context& context);

  // derived.cc
  Node* do_loop(Value form, const Context& context);
  Node* cond(Value clauses, const Context& context, Node* otherwise);
  Node* cond_arrow(Value clause, Value rest, const Context& context, Node* otherwise);
  Node* case_of(Value form, const Context& context);
  Node* case_clauses(Value clauses, Variable* key, const Context& context);
  Node* conjunction(Value forms, const Context& context);
  Node* disjunction(Value forms, const Context& context);
  Node* quasiquote(Value datum, int depth, const Context& context);
  Node* quasi_pair(Value datum, int depth, const Context& context);
  Node* case_lambda(Value clauses, const Context& context);
  Node* let_values(Value form, bool sequential, const Context& context);
  Node* parameterize(Value form, const Context& context);
  Node* guard(Value form, const Context& context);
  Node* assertion(Value form, const Context& context);

  // Parts.
  Context at(Value form, const Context& context) const;
  Context inside(Scope* scope, const Context& context) const;
  [[noreturn]] void malformed(Value form, const Context& context);
  Value check_list(Value form, int64_t least, int64_t most, const Context& context);
  bool is_form(Value form, Form which, Scope* scope);
  bool is_keyword(Value datum, std::string_view name, Scope* scope);
  Value expand_macro(Value form, const Meaning& meaning, const Context& context);
  Value keep(Value value);
  Value aliased(std::string_view name);
  Value list(std::initializer_list<Value> items);
  Node* node(NodeKind kind, const Context& context, std::vector<Node*> parts = {});
  Node* constant(Value value, const Context& context);
  Node* global(std::string_view name, const Context& context);
  Node* reference(Variable* variable, const Context& context);
  Node* global_call(std::string_view name, const Context& context, std::vector<Node*> arguments);
  Node* thunk(Value body_forms, const Context& context);
  Scope* new_scope(const Context& context, Lambda* lambda);
  Lambda* new_lambda(const Context& context, Value name);
  Variable* new_variable(Value name, Lambda* owner);
  Variable* bind(Value name, Scope* scope, Lambda* owner, const Context& context);
  Value parameters(Value formals, Lambda* lambda, const Context& context);

  Store& store_;
  Syntax& syntax_;
  Places& places_;
  int depth_ = 0;
};

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_COMPILER_EXPANDER_H_
