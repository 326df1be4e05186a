// Owns the books of runtime/os: what of the address space is ours and in what state, as a sorted
// list of pieces, so that bytes and VMAs are counted without asking the kernel. Pure: no system
// call, no lock.
//
//     pieces[0].start < pieces[0].end <= pieces[1].start < ...
//     adjacent pieces (end == start of the next) differ in state
//     reserved  == sum of the sizes of all pieces
//     committed == sum of the sizes of the pieces that are ready
//
// A piece is what the kernel keeps as one VMA. The list is short, because the heap commits at the
// ends of few tables: so it is an array, and inserting moves what is behind.

#ifndef ACRE_RUNTIME_OS_BOOKS_H_
#define ACRE_RUNTIME_OS_BOOKS_H_

#include <cstddef>
#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

class OsBooks {
 public:
  // 24 KiB of list. Larger only helps a heap whose advice on huge pages alternates over many
  // arenas.
  static constexpr size_t kMaxPieces = 1024;

  enum class Huge : uint8_t { kUnadvised, kEnabled, kDisabled };

  struct State {
    bool ready = false;
    Huge huge = Huge::kUnadvised;
    bool operator==(const State&) const = default;
  };

  constexpr OsBooks() = default;

  // Whether there are places for add, and for a change of [start, end), which may cut the pieces at
  // its ends, with `spare` places left over. A range that cuts none, such as all of a reservation,
  // has room.
  bool has_room_to_add() const { return count_ < kMaxPieces; }
  bool has_room_to_change(Addr start, Addr end, size_t spare = 0) const {
    const size_t more = cuts(start, end);
    return more == 0 || count_ + more + spare <= kMaxPieces;
  }

  // Pieces that a change of [start, end) cuts in two: as many VMAs more, unless what is cut off merges.
  size_t cuts(Addr start, Addr end) const { return cuts_at(start) + cuts_at(end); }

  // Whether all of [start, end) is ours.
  bool covers(Addr start, Addr end) const;

  // Ask for room before each. add: none of the range is ours yet. set_*: all of it is. remove: any.
  void add(Addr start, Addr end);
  void remove(Addr start, Addr end);
  void set_ready(Addr start, Addr end);
  void set_reserved(Addr start, Addr end);  // as add leaves it: not ready, no advice
  void set_huge(Addr start, Addr end, Huge huge);

  size_t pieces() const { return count_; }
  ByteCount reserved() const { return reserved_; }
  ByteCount committed() const { return committed_; }

  // Ends the process if an equation above does not hold.
  void check() const;

 private:
  struct Piece {
    Addr start;
    Addr end;
    State state;
  };

  // Indexes are into pieces_. The first piece that ends after `address`.
  size_t find(Addr address) const;
  size_t cuts_at(Addr address) const {
    const size_t at = find(address);
    return at != count_ && pieces_[at].start < address ? 1 : 0;
  }
  template <class Change>
  void change(Addr start, Addr end, Change change_piece);
  void split_at(Addr address);
  void insert(size_t at, const Piece& piece);
  void erase(size_t from, size_t to);
  void merge(size_t from, size_t to);

  ByteCount reserved_;
  ByteCount committed_;
  size_t count_ = 0;
  Piece pieces_[kMaxPieces];
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_BOOKS_H_
