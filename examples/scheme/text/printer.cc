#include "examples/scheme/text/printer.h"

#include <unordered_map>
#include <vector>

#include "examples/scheme/text/numbers.h"
#include "examples/scheme/text/reader.h"

namespace scheme {

namespace {

class Printer {
 public:
  explicit Printer(Style style) : style_(style) {}

  std::string run(Value value) {
    if (style_ != Style::kWriteSimple) find_labels(value);
    print(value, 0);
    return std::move(out_);
  }

 private:
  static constexpr int kNoLabel = -1;
  static constexpr int kWanted = -2;  // a label that has no number yet

  struct Step {
    Value value;
    bool leave;
  };

  static bool has_parts(Value value) { return value.is_pair() || value.is(Type::kVector); }

  // Which parts need a label: those that are their own part, with write-shared all that come twice.
  void find_labels(Value root) {
    std::unordered_map<uint64_t, bool> open;  // of each that was seen: whether we are inside it
    std::vector<Step> todo{{root, false}};
    while (!todo.empty()) {
      const Step step = todo.back();
      todo.pop_back();
      if (!has_parts(step.value)) continue;
      if (step.leave) {
        open[step.value.bits()] = false;
        continue;
      }
      const auto [entry, is_new] = open.emplace(step.value.bits(), true);
      if (!is_new) {
        if (entry->second || style_ == Style::kWriteShared) labels_[step.value.bits()] = kWanted;
        if (entry->second || style_ == Style::kWriteShared) continue;
        continue;  // seen and left: it holds no way back to where we are that was not found
      }
      todo.push_back({step.value, true});
      if (step.value.is_pair()) {
        todo.push_back({cdr(step.value), false});
        todo.push_back({car(step.value), false});
      } else {
        for (uint64_t i = tuple(step.value)->length(); i-- > 0;) {
          todo.push_back({tuple(step.value)->at(i), false});
        }
      }
    }
  }

  int label_of(Value value) const {
    const auto found = labels_.find(value.bits());
    return found == labels_.end() ? kNoLabel : found->second;
  }

  // True: a reference to its label was all.
  bool print_label(Value value) {
    const auto found = labels_.find(value.bits());
    if (found == labels_.end()) return false;
    const bool is_new = found->second == kWanted;
    if (is_new) found->second = next_label_++;
    out_ += '#' + std::to_string(found->second) + (is_new ? "=" : "#");
    return !is_new;
  }

  void print(Value value, int depth) {
    if (depth > kDeepestPrinted) {
      out_ += "...";
    } else if (value.is_fixnum()) {
      out_ += number_to_string(value);
    } else if (value.is_character()) {
      print_character(value.as_character());
    } else if (value.is_pair()) {
      if (!print_label(value)) print_list(value, depth);
    } else if (value.is_object()) {
      print_object(value, depth);
    } else {
      print_constant(value);
    }
  }

  void print_constant(Value value) {
    if (value == kNil)
      out_ += "()";
    else if (value == kTrue)
      out_ += "#t";
    else if (value == kFalse)
      out_ += "#f";
    else if (value == kEof)
      out_ += "#<eof>";
    else if (value == kUnspecified)
      out_ += "#<unspecified>";
    else
      out_ += "#<unassigned>";
  }

  void print_list(Value value, int depth) {
    out_ += '(';
    print(car(value), depth + 1);
    for (Value rest = cdr(value);; rest = cdr(rest)) {
      if (rest == kNil) break;
      if (!rest.is_pair() || label_of(rest) != kNoLabel) {
        out_ += " . ";
        print(rest, depth + 1);
        break;
      }
      out_ += ' ';
      print(car(rest), depth + 1);
    }
    out_ += ')';
  }

  void print_vector(Value value, int depth) {
    if (print_label(value)) return;
    out_ += "#(";
    for (uint64_t i = 0; i < tuple(value)->length(); ++i) {
      if (i > 0) out_ += ' ';
      print(tuple(value)->at(i), depth + 1);
    }
    out_ += ')';
  }

  void print_character(char32_t c) {
    if (style_ == Style::kDisplay) {
      out_ += to_utf8(std::u32string_view(&c, 1));
      return;
    }
    out_ += "#\\";
    if (const char* name = character_name(c)) {
      out_ += name;
    } else if (c < ' ') {
      out_ += 'x' + number_to_string(Value::fixnum(c), 16);
    } else {
      out_ += to_utf8(std::u32string_view(&c, 1));
    }
  }

  void print_string(Value value) {
    if (style_ == Style::kDisplay) {
      out_ += to_utf8(text_of(value));
      return;
    }
    out_ += '"';
    for (const char32_t c : text_of(value)) {
      switch (c) {
        case '"': out_ += "\\\""; break;
        case '\\': out_ += "\\\\"; break;
        case '\n': out_ += "\\n"; break;
        case '\t': out_ += "\\t"; break;
        case '\r': out_ += "\\r"; break;
        case 7: out_ += "\\a"; break;
        default:
          if (c < ' ' || c == 0x7f) {
            out_ += "\\x" + number_to_string(Value::fixnum(c), 16) + ";";
          } else {
            out_ += to_utf8(std::u32string_view(&c, 1));
          }
      }
    }
    out_ += '"';
  }

  void print_symbol(Value value) {
    const std::string& name = name_of(value);
    bool plain = !name.empty() && name != ".";
    for (const char32_t c : from_utf8(name))
      plain &= !is_delimiter(c) && c != '|' && c >= ' ' && c != '`' && c != ',';
    if (plain && (name[0] == '#' || name[0] == '+' || name[0] == '-' || name[0] == '.' ||
                  (name[0] >= '0' && name[0] <= '9'))) {
      plain = name[0] != '#' && !reads_as_number(name);
    }
    if (style_ == Style::kDisplay || plain) {
      out_ += name;
      return;
    }
    out_ += '|';
    for (const char c : name) {
      if (c == '|' || c == '\\') out_ += '\\';
      out_ += c;
    }
    out_ += '|';
  }

  void print_record(Value value, int depth) {
    const Value type = tuple(value)->at(0);
    out_ += "#<";
    out_ += name_of(tuple(type)->at(0));
    uint64_t i = 1;
    for (Value fields = tuple(type)->at(1); fields.is_pair(); fields = cdr(fields), ++i) {
      out_ += ' ' + name_of(car(fields)) + ": ";
      print(tuple(value)->at(i), depth + 100);  // may lead to itself: ends soon
    }
    out_ += '>';
  }

  void print_procedure(Value value) {
    out_ += "#<procedure";
    if (value.is(Type::kPrimitive)) {
      out_ += std::string(" ") + value.as<Primitive>()->name;
    } else if (value.is(Type::kClosure)) {
      const Value name = Value(tuple(value)->at(0)).as<Code>()->name;
      if (is_symbol(name)) out_ += " " + name_of(name);
    }
    out_ += '>';
  }

  void print_object(Value value, int depth) {
    switch (type_of(value)) {
      case Type::kFlonum: out_ += number_to_string(value); break;
      case Type::kSymbol: print_symbol(value); break;
      case Type::kString: print_string(value); break;
      case Type::kVector: print_vector(value, depth); break;
      case Type::kBytevector: {
        const auto* bytes = value.as<Bytevector>();
        out_ += "#u8(";
        for (uint64_t i = 0; i < bytes->length; ++i) {
          out_ += (i > 0 ? " " : "") + std::to_string(bytes->bytes.get()[i]);
        }
        out_ += ')';
        break;
      }
      case Type::kPrimitive:
      case Type::kClosure:
      case Type::kContinuation:
      case Type::kParameter: print_procedure(value); break;
      case Type::kRecord: print_record(value, depth); break;
      case Type::kRecordType: out_ += "#<record-type " + name_of(tuple(value)->at(0)) + ">"; break;
      case Type::kCondition:
        out_ += "#<condition ";
        print(tuple(value)->at(1), depth + 1);
        out_ += '>';
        break;
      case Type::kHashTable:
      case Type::kWeakTable: out_ += "#<hash-table>"; break;
      case Type::kPromise: out_ += "#<promise>"; break;
      case Type::kPort: out_ += "#<port>"; break;
      case Type::kValues:
        for (uint64_t i = 0; i < tuple(value)->length(); ++i) {
          if (i > 0) out_ += '\n';
          print(tuple(value)->at(i), depth + 1);
        }
        break;
      default: out_ += "#<object>";
    }
  }

  Style style_;
  std::string out_;
  std::unordered_map<uint64_t, int> labels_;
  int next_label_ = 0;
};

}  // namespace

std::string print(Value value, Style style) { return Printer(style).run(value); }

}  // namespace scheme
