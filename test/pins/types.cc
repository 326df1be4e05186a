// The constructors that the pinned functions call and do not see.

#include "test/pins/types.h"

#include "test/pins/pinned.h"

namespace acre::test {

DistantPoint::DistantPoint(long a, long b) : x(a), y(b) { pin_end(this); }
DistantLink::DistantLink(DistantLink* to, long tag) : next(to), number(tag) { pin_end(this); }
DistantNode::DistantNode(DistantNode* to, long tag) : next(to), number(tag) { pin_end(this); }

}  // namespace acre::test
