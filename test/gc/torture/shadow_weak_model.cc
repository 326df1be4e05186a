#include "test/gc/torture/shadow_weak_model.h"

#include <algorithm>
#include <iterator>

namespace acre::test {
namespace {

bool is_dead(const Node* node) { return node != nullptr && !node->marked; }

}  // namespace

void WeakModel::mark(Node* node) {
  if (node == nullptr || node->marked) return;
  node->marked = true;
  waiting_.push_back(node);
}

// What a node refers to; not itself.
void WeakModel::mark_behind(Node& node) {
  if (node.sort != NodeSort::kCell) {
    weak_seen_.push_back(&node);
    return;
  }
  for (Node* field : node.fields) {
    if (field != &node) mark(field);
  }
}

// Whether the entries of a node that was seen led to something new.
bool WeakModel::judge(Node& node) {
  const size_t before = waiting_.size();
  if (node.sort == NodeSort::kEphemeron) {
    if (!is_dead(node.fields[0])) mark(node.fields[1]);
  }
  for (const auto& [key, value] : node.entries) {
    if (node.mode == ACRE_WEAK_KEYS && key->marked) mark(value);
    if (node.mode == ACRE_WEAK_VALUES) mark(key);
  }
  return waiting_.size() != before;
}

void WeakModel::drain() {
  for (bool more = true; more;) {
    while (!waiting_.empty()) {
      Node* node = waiting_.back();
      waiting_.pop_back();
      mark_behind(*node);
    }
    more = false;
    for (size_t i = 0; i < weak_seen_.size(); ++i) more |= judge(*weak_seen_[i]);
  }
}

void WeakModel::clear_dead() {
  for (Node* node : weak_seen_) {
    if (node->sort == NodeSort::kEphemeron && is_dead(node->fields[0])) {
      node->fields[0] = node->fields[1] = nullptr;
    }
    for (auto it = node->entries.begin(); it != node->entries.end();) {
      const bool key_counts = node->mode != ACRE_WEAK_VALUES;
      const bool value_counts = node->mode != ACRE_WEAK_KEYS;
      const bool goes = (key_counts && is_dead(it->first)) || (value_counts && is_dead(it->second));
      it = goes ? node->entries.erase(it) : std::next(it);
    }
  }
}

void WeakModel::mark_from_roots() {
  for (const auto& node : nodes) node->marked = false;
  weak_seen_.clear();
  for (Node* root : roots) mark(root);
  drain();
}

void WeakModel::queue(Node& node) {
  node.finalizer = NodeFinalizer::kNone;
  node.queued = true;
  ++node.fate->to_be_finalized;
}

// Those whose finalizers go first: dead, and behind no other ordered one.
std::vector<Node*> WeakModel::find_ready() {
  std::vector<Node*> ready;
  std::vector<Node*> ordered;
  for (const auto& node : nodes) {
    if (node->marked) continue;
    if (node->finalizer == NodeFinalizer::kUnordered) ready.push_back(node.get());
    if (node->finalizer == NodeFinalizer::kOrdered) ordered.push_back(node.get());
  }
  for (Node* node : ordered) mark_behind(*node);
  drain();
  std::copy_if(ordered.begin(), ordered.end(), std::back_inserter(ready), is_dead);
  return ready;
}

void WeakModel::bury() {
  const auto dead = std::stable_partition(nodes.begin(), nodes.end(),
                                          [](const auto& node) { return node->marked; });
  for (auto it = dead; it != nodes.end(); ++it) {
    Node& node = **it;
    node.fate->to_be_cleaned += node.cleanups;
    if (node.weak != nullptr) cleared.push_back(node.weak);
    fates.push_back(std::move(node.fate));
  }
  nodes.erase(dead, nodes.end());
}

void WeakModel::collect(uint64_t number) {
  for (const auto& node : nodes) {
    const Fate& fate = *node->fate;
    const bool ran = fate.finalized == fate.to_be_finalized && fate.finalized_after < number;
    if (node->queued && ran) node->queued = false;
    node->marked = false;
  }
  weak_seen_.clear();
  for (Node* root : roots) mark(root);
  for (const auto& node : nodes) {
    if (node->queued && exact) mark(node.get());
  }
  drain();
  for (const auto& node : nodes) {
    if (node->marked || node->weak == nullptr || node->weak_cleared) continue;
    node->weak_cleared = true;
    ++node->fate->to_be_notified;
  }
  clear_dead();
  for (Node* node : find_ready()) {
    queue(*node);
    mark(node);
  }
  drain();
  clear_dead();
  bury();
}

uint64_t WeakModel::tables() const {
  return static_cast<uint64_t>(std::count_if(
      nodes.begin(), nodes.end(), [](const auto& node) { return node->sort == NodeSort::kTable; }));
}

}  // namespace acre::test
