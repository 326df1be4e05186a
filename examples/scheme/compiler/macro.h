// syntax-rules. What a template inserts is not the symbol itself but an alias of it, a new one for each use of the
// macro, which means what the symbol meant where the macro was defined, unless the template binds it. So macros do
// not capture variables of their users, nor the other way round.
#ifndef ACRE_EXAMPLES_SCHEME_COMPILER_MACRO_H_
#define ACRE_EXAMPLES_SCHEME_COMPILER_MACRO_H_

#include <map>
#include <vector>

#include "examples/scheme/compiler/syntax.h"
#include "examples/scheme/text/reader.h"

namespace scheme {

class MacroUse {
 public:
  // `macro` is a kMacro: the syntax-rules form, and the number of its scope. Form and macro are roots elsewhere.
  MacroUse(Store& store, Syntax& syntax, Places& places, Value macro, Scope* user_scope,
           Position where);

  // What the form becomes, kept by Store::kept. Throws Raised if no rule fits.
  Value expand(Value form);

 private:
  // What a pattern variable stands for: a datum, or with an ellipsis several.
  struct Match {
    Value datum;
    std::vector<Match> items;
    bool repeated = false;
  };
  using Matches = std::map<uint64_t, Match>;

  bool is_ellipsis(Value datum) const;
  bool is_literal(Value name) const;
  bool same_name(Value literal, Value datum);
  bool match(Value pattern, Value datum, Matches* matches);
  bool match_ellipsis(Value pattern, Value datum, Matches* matches);
  Value fill(Value pattern, const Matches& matches, bool escaped);
  Value fill_list(Value pattern, const Matches& matches, bool escaped);
  void repeat(Value pattern, const Matches& matches, int levels, ListBuilder* out);
  Value fill_symbol(Value name, const Matches& matches);
  void variables_of(Value pattern, std::vector<uint64_t>* names);

  Store& store_;
  Syntax& syntax_;
  Places& places_;
  Value rules_;
  Value literals_;
  Value ellipsis_;
  uint64_t scope_;
  Scope* user_scope_;
  Position where_;
  std::map<uint64_t, Value> aliases_;
};

// Checked when it is defined. Throws Raised.
Value make_macro(Store& store, Value rules, uint64_t scope, const Position& where);

// The datum without aliases: what (quote datum) is. Kept by Store::kept if it is a new one.
Value strip_aliases(Store& store, Value datum);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_COMPILER_MACRO_H_
