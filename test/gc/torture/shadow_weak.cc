#include "test/gc/torture/shadow_weak.h"

#include <algorithm>

namespace acre::test {
namespace {

// A cell: its number, then references.
constexpr size_t kCellBytes = (1 + Node::kFields) * sizeof(void*);

void** fields_of(const Node& cell) { return static_cast<void**>(cell.address) + 1; }
void* address_of(const Node* node) { return node == nullptr ? nullptr : node->address; }

void trace_cell(void* object, size_t, acre_visitor* visitor) {
  auto* words = static_cast<void**>(object);
  for (int i = 1; i <= Node::kFields; ++i) acre_visit(visitor, &words[i]);
}

uint64_t collections_of(acre_heap* heap) {
  acre_stats stats;
  stats.struct_size = sizeof(stats);
  acre_stats_read(heap, &stats);
  return stats.num_gc;
}

// No collection comes before it has returned.
void note_finalized(void*, void* arg) {
  auto* fate = static_cast<Fate*>(arg);
  fate->finalized_after = collections_of(fate->heap);
  ++fate->finalized;
}
void note_cleaned(void* fate) { ++static_cast<Fate*>(fate)->cleaned; }
void note_cleared(acre_weak*, void* fate) { ++static_cast<Fate*>(fate)->notified; }

acre_kind register_kind(acre_heap* heap, acre_trace_fn trace, const uint8_t* bitmap) {
  const acre_kind_info info = {sizeof(info),
                               nullptr,
                               trace,
                               bitmap,
                               bitmap == nullptr ? size_t{0} : kCellBytes / sizeof(void*),
                               0};
  acre_kind kind = ACRE_KIND_NONE;
  (void)acre_kind_register(heap, &info, &kind);
  return kind;
}

}  // namespace

WeakGraph::WeakGraph(acre_heap* heap, acre_thread* thread, uint64_t seed,
                     const WeakSetting& setting)
    : heap_(heap), thread_(thread), random_(seed), setting_(setting) {
  model_.exact = setting.exact;
  constexpr uint8_t kAllButTheFirst = 0b11110;
  kinds_[0] = ACRE_KIND_CONSERVATIVE;
  kinds_[1] = register_kind(heap, &trace_cell, nullptr);
  kinds_[2] = register_kind(heap, nullptr, &kAllButTheFirst);
  for (acre_handle*& root : roots_) {
    root = acre_handle_new(thread, nullptr);
    model_.roots.push_back(nullptr);
  }
  seen_collections_ = collections_of(heap);
}

WeakGraph::~WeakGraph() {
  for (acre_handle* root : roots_) acre_handle_drop(root);
  for (acre_weak* weak : weaks_) acre_weak_drop(weak);
}

bool WeakGraph::expect(bool holds, const char* what, const Node* node) {
  if (!holds && difference_.empty()) {
    difference_ = what;
    if (node != nullptr) difference_ += ", node " + std::to_string(node->id);
  }
  return holds;
}

// One after the other changes nothing any more after the third: an entry by a weak value goes, and its key with the
// next one.
void WeakGraph::sync() {
  const uint64_t now = collections_of(heap_);
  while (seen_collections_ != now) {
    seen_collections_ = std::max(seen_collections_ + 1, now < 2 ? 0 : now - 2);
    model_.collect(seen_collections_);
  }
  check_cleared();
}

void WeakGraph::check_cleared() {
  for (acre_weak* weak : model_.cleared) {
    if (!setting_.exact) continue;
    expect(acre_weak_get(thread_, weak) == nullptr,
           "a weak reference to what is dead is not clear");
  }
  model_.cleared.clear();
}

// Something that the roots reach, by strong references only; or NULL.
Node* WeakGraph::pick() {
  Node* node = model_.roots[random(model_.roots.size())];
  for (uint64_t steps = random(4); steps > 0 && node != nullptr; --steps) {
    Node* next = node->sort == NodeSort::kCell ? node->fields[random(Node::kFields)] : nullptr;
    if (next != nullptr) node = next;
  }
  return node;
}

Node* WeakGraph::pick_older(const Node* than) {
  for (int tries = 0; tries < 4; ++tries) {
    Node* node = pick();
    if (node != nullptr && (setting_.circles || node->id < than->id)) return node;
  }
  return nullptr;
}

Node& WeakGraph::add(NodeSort sort, void* address) {
  auto node = std::make_unique<Node>();
  node->id = next_id_++;
  node->sort = sort;
  node->address = address;
  node->fate->heap = heap_;
  model_.nodes.push_back(std::move(node));
  return *model_.nodes.back();
}

void WeakGraph::make_cell() {
  void* address = acre_alloc(thread_, kCellBytes, kinds_[random(3)]);
  sync();
  if (!expect(address != nullptr, "no memory")) return;
  Node& node = add(NodeSort::kCell, address);
  *static_cast<uint64_t*>(address) = node.id << 48 | node.id;  // in no heap
  for (int i = 0; i < Node::kFields; ++i) {
    Node* to = random(3) == 0 ? nullptr : pick_older(&node);
    node.fields[i] = to;
    acre_store(thread_, address, &fields_of(node)[i], address_of(to));
  }
  const size_t root = random(model_.roots.size());
  model_.roots[root] = &node;
  acre_handle_set(roots_[root], address);
}

void WeakGraph::make_ephemeron() {
  Node* key = random(10) == 0 ? nullptr : pick();
  Node* value = key == nullptr ? pick() : pick_older(key);
  void* address = nullptr;
  const acre_status status =
      acre_ephemeron_new(thread_, address_of(key), address_of(value), &address);
  sync();
  if (!expect(status == ACRE_OK, "no ephemeron")) return;
  Node& node = add(NodeSort::kEphemeron, address);
  node.fields[0] = key;
  node.fields[1] = value;
  const size_t root = random(model_.roots.size());
  model_.roots[root] = &node;
  acre_handle_set(roots_[root], address);
}

void WeakGraph::make_table() {
  const int mode = 1 + static_cast<int>(random(3));
  void* address = nullptr;
  const acre_status status = acre_weak_table_new(thread_, mode, &address);
  sync();
  if (!expect(status == ACRE_OK, "no table")) return;
  Node& node = add(NodeSort::kTable, address);
  node.mode = mode;
  const size_t root = random(model_.roots.size());
  model_.roots[root] = &node;
  acre_handle_set(roots_[root], address);
}

void WeakGraph::store() {
  Node* node = pick();
  if (node == nullptr || node->sort != NodeSort::kCell) return;
  Node* to = random(4) == 0 ? nullptr : pick_older(node);
  if (random(20) == 0) to = node;
  const uint64_t field = random(Node::kFields);
  acre_store(thread_, node->address, &fields_of(*node)[field], address_of(to));
  node->fields[field] = to;
}

void WeakGraph::set_entry() {
  Node* table = pick();
  if (table == nullptr || table->sort != NodeSort::kTable) return;
  Node* key = pick_older(table);
  if (key == nullptr) return;
  if (random(4) == 0) {
    const int removed = acre_weak_table_remove(thread_, table->address, key->address);
    const int expected = static_cast<int>(table->entries.erase(key));
    expect(setting_.exact ? removed == expected : removed >= expected, "a wrong removal", table);
    return;
  }
  Node* value = pick_older(key);
  if (value == nullptr) return;
  const acre_status status =
      acre_weak_table_set(thread_, table->address, key->address, value->address);
  sync();
  if (expect(status == ACRE_OK, "no entry", table)) table->entries[key] = value;
}

// A weak reference, a finalizer or a cleanup.
void WeakGraph::attach() {
  Node* node = pick();
  if (node == nullptr) return;
  switch (random(4)) {
    case 0:
      if (node->weak != nullptr) return;
      node->weak = acre_weak_new_notify(thread_, node->address, &note_cleared, node->fate.get());
      if (expect(node->weak != nullptr, "no weak reference", node)) weaks_.push_back(node->weak);
      break;
    case 1: {
      const bool ordered = !setting_.circles && random(2) == 0;
      const auto set = ordered ? &acre_finalizer_set : &acre_finalizer_set_unordered;
      expect(set(thread_, node->address, &note_finalized, node->fate.get()) == ACRE_OK,
             "no finalizer", node);
      node->finalizer = ordered ? NodeFinalizer::kOrdered : NodeFinalizer::kUnordered;
      break;
    }
    case 2:
      expect(acre_finalizer_set(thread_, node->address, nullptr, nullptr) == ACRE_OK,
             "a finalizer cannot be taken away", node);
      node->finalizer = NodeFinalizer::kNone;
      break;
    default:
      expect(acre_cleanup_add(thread_, node->address, &note_cleaned, node->fate.get(), nullptr) ==
                 ACRE_OK,
             "no cleanup", node);
      ++node->cleanups;
  }
}

void WeakGraph::free_by_hand() {
  void* object = acre_alloc(thread_, size_t{16} << random(13), ACRE_KIND_LEAF);
  sync();
  if (!expect(object != nullptr, "no memory")) return;
  auto fate = std::make_unique<Fate>();
  fate->heap = heap_;
  acre_weak* weak = acre_weak_new_notify(thread_, object, &note_cleared, fate.get());
  (void)acre_finalizer_set(thread_, object, &note_finalized, fate.get());
  (void)acre_cleanup_add(thread_, object, &note_cleaned, fate.get(), nullptr);
  acre_free(thread_, object);
  expect(acre_weak_get(thread_, weak) == nullptr, "a weak reference to what was freed");
  if (random(2) == 0) {
    acre_weak_drop(weak);  // before its notification
  } else {
    fate->to_be_notified = 1;
    weaks_.push_back(weak);
  }
  fate->to_be_cleaned = 1;
  model_.fates.push_back(std::move(fate));
}

void WeakGraph::set_root() {
  const size_t root = random(model_.roots.size());
  Node* node = random(3) == 0 ? nullptr : pick();
  model_.roots[root] = node;
  acre_handle_set(roots_[root], address_of(node));
}

void WeakGraph::collect() {
  acre_collect(thread_);
  sync();
  if (!setting_.exact || !setting_.alone) return;
  acre_stats stats;
  stats.struct_size = sizeof(stats);
  acre_stats_read(heap_, &stats);
  expect(stats.live_objects == model_.nodes.size() + model_.tables(), "not as many objects live");
}

void WeakGraph::check_table(Node& table) {
  const size_t count = acre_weak_table_count(thread_, table.address);
  expect(setting_.exact ? count == table.entries.size() : count >= table.entries.size(),
         "a wrong count of entries", &table);
  for (const auto& [key, value] : table.entries) {
    expect(acre_weak_table_get(thread_, table.address, key->address) == value->address,
           "a wrong entry", &table);
  }
}

void WeakGraph::check_node(Node& node) {
  if (!expect(acre_object_base(heap_, node.address) == node.address, "no object", &node)) return;
  if (node.weak != nullptr && !node.weak_cleared) {
    expect(acre_weak_get(thread_, node.weak) == node.address, "a weak reference is clear", &node);
  }
  expect(node.fate->finalized <= node.fate->to_be_finalized, "finalized too early", &node);
  expect(node.fate->cleaned == 0, "cleaned too early", &node);
  switch (node.sort) {
    case NodeSort::kTable: return check_table(node);
    case NodeSort::kEphemeron:
      if (!setting_.exact && node.fields[1] == nullptr) return;
      expect(acre_ephemeron_key(thread_, node.address) == address_of(node.fields[0]), "a wrong key",
             &node);
      expect(acre_ephemeron_value(thread_, node.address) == address_of(node.fields[1]),
             "a wrong value", &node);
      return;
    case NodeSort::kCell: break;
  }
  expect(*static_cast<uint64_t*>(node.address) == (node.id << 48 | node.id), "overwritten", &node);
  for (int i = 0; i < Node::kFields; ++i) {
    expect(fields_of(node)[i] == address_of(node.fields[i]), "a wrong field", &node);
  }
}

void WeakGraph::check_all() {
  model_.mark_from_roots();
  for (const auto& node : model_.nodes) {
    if (node->marked) check_node(*node);
  }
}

void WeakGraph::step() {
  switch (random(20)) {
    case 0:
    case 1:
    case 2:
    case 3: return make_cell();
    case 4:
    case 5: return make_ephemeron();
    case 6: return make_table();
    case 7:
    case 8:
    case 9: return store();
    case 10:
    case 11:
    case 12: return set_entry();
    case 13:
    case 14: return attach();
    case 15: return set_root();
    case 16: return free_by_hand();
    case 17: acre_run_finalizers(thread_); return sync();
    case 18: return check_all();
    default:
      if (random(5) == 0) collect();
  }
}

// A row of ordered finalizers takes a collection for each.
void WeakGraph::finish() {
  check_all();
  for (size_t i = 0; i < model_.roots.size(); ++i) {
    model_.roots[i] = nullptr;
    acre_handle_set(roots_[i], nullptr);
  }
  for (int rounds = 0; rounds < 2000 && !model_.nodes.empty(); ++rounds) {
    collect();
    acre_run_finalizers(thread_);
  }
  expect(model_.nodes.empty(), "some live though nothing holds them");
  if (!setting_.exact || !setting_.alone) return;
  for (const auto& fate : model_.fates) {
    expect(fate->is_fulfilled(), "a callback came too often or not at all");
  }
}

}  // namespace acre::test
