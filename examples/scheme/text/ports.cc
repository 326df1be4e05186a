#include "examples/scheme/text/ports.h"

#include <cerrno>

namespace scheme {

int64_t TextInput::peek() {
  if (at_ == text_.size() && more_) {
    text_ = more_();
    at_ = 0;
    if (text_.empty()) more_ = nullptr;
  }
  return at_ < text_.size() ? static_cast<int64_t>(text_[at_]) : kEnd;
}

int64_t TextInput::next() {
  const int64_t c = peek();
  if (c == kEnd) return kEnd;
  ++at_;
  if (c == '\n') {
    ++line_;
    column_ = 1;
  } else {
    ++column_;
  }
  return c;
}

void PortState::write(std::string_view text) {
  if (file == nullptr) {
    bytes.append(text);
  } else {
    std::fwrite(text.data(), 1, text.size(), file);
  }
}

void PortState::close() {
  if (!is_open) return;
  is_open = false;
  if (file != nullptr && closes_file) std::fclose(file);
  file = nullptr;
}

Ports::Ports(Store& store) : store_(store) {
  auto in = std::make_unique<PortState>();
  in->is_input = true;
  in->input = std::make_unique<TextInput>(
      [this] {
        std::string line;
        const acre::Blocking waiting(
            store_.thread());  // acre: safepoint: collections do not wait for who types
        for (int c; (c = std::getc(stdin)) != EOF;) {
          line.push_back(static_cast<char>(c));
          if (c == '\n') break;
        }
        return from_utf8(line);
      },
      store.file_number("stdin"));
  input_ = open(std::move(in));
  store.kept.push_back(input_);  // acre: root: for good: they are at the bottom
  for (std::FILE* file : {stdout, stderr}) {
    auto out = std::make_unique<PortState>();
    out->file = file;
    Value& port = file == stdout ? output_ : error_;
    port = open(std::move(out));
    store.kept.push_back(port);
  }
}

Value Ports::open(std::unique_ptr<PortState> state) {
  acre::Thread& thread = store_.thread();
  acre_run_finalizers(thread);  // acre: cleanup: of ports that were found dead since
  auto* port = thread.make<Port>();
  port->header = Value::header(Type::kPort, 0);
  port->number = next_number_++;
  const Keep keep(store_, Value::of(port));
  state->owner = this;
  state->number = port->number;
  // acre: cleanup: what is outside of the heap goes after the object has gone
  acre::check(acre_cleanup_add(thread, port, &Ports::forget, state.get(), nullptr));
  states_[port->number] = std::move(state);
  return keep;
}

void Ports::forget(void* arg) {
  const auto* state = static_cast<PortState*>(arg);
  state->owner->states_.erase(state->number);
}

std::FILE* Ports::open_file(const std::string& path, const char* mode) {
  std::FILE* file = std::fopen(path.c_str(), mode);
  if (file != nullptr || (errno != EMFILE && errno != ENFILE)) return file;
  store_.thread().collect();
  acre_run_finalizers(
      store_.thread());  // acre: cleanup: closes files of ports that nobody can reach
  return std::fopen(path.c_str(), mode);
}

bool read_file(std::FILE* file, std::string* content) {
  if (file == nullptr) return false;
  char part[8192];
  for (size_t got; (got = std::fread(part, 1, sizeof(part), file)) > 0;) content->append(part, got);
  const bool good = std::ferror(file) == 0;
  std::fclose(file);
  return good;
}

}  // namespace scheme
