// What the expander makes of a datum, and the code generator makes code of. Outside the heap, for the length of one
// compilation; the values in it are kept by Store::kept.
#ifndef ACRE_EXAMPLES_SCHEME_COMPILER_SYNTAX_H_
#define ACRE_EXAMPLES_SCHEME_COMPILER_SYNTAX_H_

#include <deque>
#include <utility>
#include <vector>

#include "examples/scheme/value/error.h"

namespace scheme {

struct Lambda;
struct Node;

struct Variable {
  Value name;
  Lambda* owner = nullptr;
  bool assigned = false;
  bool captured = false;
  bool boxed = false;  // decided by the code generator
  uint32_t place = 0;  // word of the frame
};

struct Lambda {
  Lambda* outer = nullptr;
  Value name = kFalse;
  std::vector<Variable*> parameters = {};
  bool has_rest = false;
  std::vector<Variable*> free = {};
  Node* body = nullptr;
};

enum class NodeKind {
  kConstant,  // value
  kLocal,     // variable
  kGlobal,    // value: the symbol
  kSetLocal,  // variable, parts: what
  kSetGlobal,
  kDefine,
  kIf,        // parts: test, then, else
  kLambda,    // lambda
  kSequence,  // parts
  kCall,      // parts: procedure, arguments
  kOr,        // parts
  kLet,       // variables; parts: a value for each, the body
  kLetrec
};

struct Node {
  NodeKind kind;
  Position where;
  Value value = {};
  Variable* variable = nullptr;
  Lambda* lambda = nullptr;
  std::vector<Variable*> variables = {};
  std::vector<Node*> parts = {};
};

// What names mean in a part of the program. Its number is its place in Syntax::scopes and 1; 0 is the top level.
struct Scope {
  Scope* outer;
  Lambda* lambda;
  uint64_t number;
  struct Binding {
    Value name;
    Variable* variable;  // null: a macro
    Value macro;
  };
  std::vector<Binding> bindings;
};

// What a name means: a variable, a macro, or a global symbol (with its value or special form).
struct Meaning {
  Variable* variable = nullptr;
  Value macro = {};
  Value global = {};
  bool operator==(const Meaning&) const = default;
};

struct Syntax {
  std::deque<Node> nodes;
  std::deque<Variable> variables;
  std::deque<Lambda> lambdas;
  std::deque<Scope> scopes;

  Scope* scope(uint64_t number) { return number == 0 ? nullptr : &scopes[number - 1]; }
  Meaning meaning(Value name, Scope* scope);
};

// The special forms that the expander knows.
enum class Form : uint8_t {
  kNone,
  kQuote,
  kQuasiquote,
  kLambda,
  kDefine,
  kSet,
  kIf,
  kBegin,
  kLet,
  kLetStar,
  kLetrec,
  kDo,
  kCond,
  kCase,
  kAnd,
  kOr,
  kWhen,
  kUnless,
  kCaseLambda,
  kLetValues,
  kLetStarValues,
  kDefineValues,
  kDefineRecordType,
  kDelay,
  kDelayForce,
  kParameterize,
  kGuard,
  kDefineSyntax,
  kLetSyntax,
  kAssert,
  kCondExpand,
  kImport
};

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_COMPILER_SYNTAX_H_
