#include "bench/compare/driver/schedule.h"

#include <algorithm>
#include <numeric>

namespace acre::bench {
namespace {

double cost(const Pending& pending) { return pending.round_seconds * pending.rounds; }

}  // namespace

std::vector<std::size_t> order_of(std::size_t count, unsigned round, unsigned rounds) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (count == 0) return order;
  const std::size_t step = std::max<std::size_t>(1, count / std::max(1U, rounds));
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(step * round % count),
              order.end());
  return order;
}

void fit_rounds(double seconds, std::vector<Pending>& pending) {
  double total = 0;
  for (const Pending& each : pending) total += cost(each);
  while (total > seconds) {
    const auto most =
        std::max_element(pending.begin(), pending.end(),
                         [](const Pending& a, const Pending& b) { return cost(a) < cost(b); });
    if (most == pending.end() || most->rounds == 0) return;
    --most->rounds;
    total -= most->round_seconds;
  }
}

}  // namespace acre::bench
