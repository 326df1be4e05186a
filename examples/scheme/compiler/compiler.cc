#include "examples/scheme/compiler/compiler.h"

#include "examples/scheme/compiler/code_generator.h"
#include "examples/scheme/compiler/expander.h"

namespace scheme {

namespace {

constexpr std::pair<std::string_view, Form> kForms[] = {
    {"quote", Form::kQuote},
    {"quasiquote", Form::kQuasiquote},
    {"lambda", Form::kLambda},
    {"define", Form::kDefine},
    {"set!", Form::kSet},
    {"if", Form::kIf},
    {"begin", Form::kBegin},
    {"let", Form::kLet},
    {"let*", Form::kLetStar},
    {"letrec", Form::kLetrec},
    {"letrec*", Form::kLetrec},
    {"do", Form::kDo},
    {"cond", Form::kCond},
    {"case", Form::kCase},
    {"and", Form::kAnd},
    {"or", Form::kOr},
    {"when", Form::kWhen},
    {"unless", Form::kUnless},
    {"case-lambda", Form::kCaseLambda},
    {"let-values", Form::kLetValues},
    {"let*-values", Form::kLetStarValues},
    {"define-values", Form::kDefineValues},
    {"define-record-type", Form::kDefineRecordType},
    {"delay", Form::kDelay},
    {"delay-force", Form::kDelayForce},
    {"parameterize", Form::kParameterize},
    {"guard", Form::kGuard},
    {"define-syntax", Form::kDefineSyntax},
    {"let-syntax", Form::kLetSyntax},
    {"letrec-syntax", Form::kLetSyntax},
    {"assert", Form::kAssert},
    {"import", Form::kImport},
    {"cond-expand", Form::kCondExpand},
};

}  // namespace

Value compile(Store& store, Value form, Places& places) {
  const Keep keep(store, form);
  const KeptScope scope(store);
  Syntax syntax;
  return CodeGenerator(store, Expander(store, syntax, places).top_level(form)).generate();
}

void install_forms(Store& store) {
  for (const auto& [name, form] : kForms) {
    store.symbol(name).as<Symbol>()->syntax = Value::fixnum(static_cast<int64_t>(form));
  }
}

}  // namespace scheme
