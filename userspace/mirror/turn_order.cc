#include "mirror/turn_order.h"

#include <algorithm>

namespace rpctee::mirror {
namespace {

// Far below the size at which a double would lose the step of the largest weight, 2^-32.
constexpr double kLatest = 1 << 10;

}  // namespace

TurnOrder::TurnOrder(const std::vector<BalancedEndpoint>& endpoints, Random& random) {
  for (const BalancedEndpoint& endpoint : endpoints) {
    const double step = 1.0 / endpoint.weight;
    Push({step * random.Unit(), static_cast<uint32_t>(step_.size())});
    step_.push_back(step);
  }
}

TurnOrder::Turn TurnOrder::Pop() {
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  const Turn first = heap_.back();
  heap_.pop_back();
  return first;
}

void TurnOrder::Push(Turn turn) {
  heap_.push_back(turn);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

// The same amount for all leaves the order as it is.
void TurnOrder::StartAgainAtZero(double now) {
  for (Turn& turn : heap_) {
    turn.deadline -= now;
  }
}

std::optional<size_t> TurnOrder::Next(const Candidates& candidates, const std::function<double(size_t)>& cost) {
  passed_over_.clear();
  std::optional<Turn> found;
  while (!found && !heap_.empty()) {
    const Turn turn = Pop();
    if (candidates.IsUsable(turn.index)) {
      found = turn;
    } else {
      passed_over_.push_back(turn);
    }
  }
  for (Turn turn : passed_over_) {
    if (found) {
      turn.deadline = std::max(turn.deadline, found->deadline) + step_[turn.index];
    }
    Push(turn);
  }
  if (!found) {
    return std::nullopt;
  }
  Push({found->deadline + cost(found->index) * step_[found->index], found->index});
  if (found->deadline > kLatest) {
    StartAgainAtZero(found->deadline);
  }
  return found->index;
}

}  // namespace rpctee::mirror
