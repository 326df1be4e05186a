#include "runtime/os/books.h"

#include <algorithm>

#include "runtime/base/check.h"

namespace acre::rt {

bool OsBooks::covers(Addr start, Addr end) const {
  for (size_t i = find(start); start < end; ++i) {
    if (i == count_ || pieces_[i].start > start) return false;
    start = pieces_[i].end;
  }
  return true;
}

void OsBooks::add(Addr start, Addr end) {
  ACRE_CHECK(has_room_to_add(), "the books have room for another piece");
  const size_t at = find(start);
  ACRE_CHECK(at == count_ || pieces_[at].start >= end, "a new piece overlaps no other");
  insert(at, Piece{start, end, State{}});
  reserved_ += end - start;
  merge(at, at + 1);
}

void OsBooks::remove(Addr start, Addr end) {
  ACRE_CHECK(has_room_to_change(start, end), "the books have room to split a piece");
  split_at(start);
  split_at(end);
  const size_t from = find(start);
  size_t to = from;
  for (; to < count_ && pieces_[to].start < end; ++to) {
    const ByteCount size = pieces_[to].end - pieces_[to].start;
    reserved_ -= size;
    if (pieces_[to].state.ready) committed_ -= size;
  }
  erase(from, to);
}

void OsBooks::set_ready(Addr start, Addr end) {
  change(start, end, [this](Piece& piece) {
    if (!piece.state.ready) committed_ += piece.end - piece.start;
    piece.state.ready = true;
  });
}

void OsBooks::set_reserved(Addr start, Addr end) {
  change(start, end, [this](Piece& piece) {
    if (piece.state.ready) committed_ -= piece.end - piece.start;
    piece.state = State{};
  });
}

void OsBooks::set_huge(Addr start, Addr end, Huge huge) {
  change(start, end, [huge](Piece& piece) { piece.state.huge = huge; });
}

template <class Change>
void OsBooks::change(Addr start, Addr end, Change change_piece) {
  ACRE_CHECK(has_room_to_change(start, end), "the books have room to split a piece");
  split_at(start);
  split_at(end);
  const size_t from = find(start);
  size_t to = from;
  for (; to < count_ && pieces_[to].start < end; ++to) change_piece(pieces_[to]);
  merge(from, to);
}

size_t OsBooks::find(Addr address) const {
  const Piece* found = std::partition_point(
      pieces_, pieces_ + count_, [address](const Piece& piece) { return piece.end <= address; });
  return static_cast<size_t>(found - pieces_);
}

void OsBooks::split_at(Addr address) {
  const size_t at = find(address);
  if (cuts_at(address) == 0) return;
  Piece upper = pieces_[at];
  upper.start = address;
  pieces_[at].end = address;
  insert(at + 1, upper);
}

void OsBooks::insert(size_t at, const Piece& piece) {
  std::move_backward(pieces_ + at, pieces_ + count_, pieces_ + count_ + 1);
  pieces_[at] = piece;
  ++count_;
}

void OsBooks::erase(size_t from, size_t to) {
  std::move(pieces_ + to, pieces_ + count_, pieces_ + from);
  count_ -= to - from;
}

// Joins equal neighbours at the borders of the pieces [from, to), also with the one before and
// after. From the back, so that what is erased does not shift what is still to come.
void OsBooks::merge(size_t from, size_t to) {
  for (size_t i = to; i >= from && i > 0; --i) {
    if (i >= count_) continue;
    Piece& lower = pieces_[i - 1];
    if (lower.end != pieces_[i].start || !(lower.state == pieces_[i].state)) continue;
    lower.end = pieces_[i].end;
    erase(i, i + 1);
  }
}

void OsBooks::check() const {
  ByteCount reserved;
  ByteCount committed;
  ACRE_CHECK(count_ <= kMaxPieces, "the pieces fit the list");
  for (size_t i = 0; i < count_; ++i) {
    const Piece& piece = pieces_[i];
    ACRE_CHECK(piece.start < piece.end, "a piece is not empty");
    reserved += piece.end - piece.start;
    if (piece.state.ready) committed += piece.end - piece.start;
    if (i == 0) continue;
    const Piece& lower = pieces_[i - 1];
    ACRE_CHECK(lower.end <= piece.start, "pieces are sorted and disjoint");
    ACRE_CHECK(lower.end != piece.start || !(lower.state == piece.state),
               "adjacent pieces differ in state");
  }
  ACRE_CHECK(reserved == reserved_, "reserved is the sum of the pieces");
  ACRE_CHECK(committed == committed_, "committed is the sum of the ready pieces");
}

}  // namespace acre::rt
