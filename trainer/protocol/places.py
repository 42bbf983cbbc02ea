"""Places in a full run (contracts/parts/Places.sol)."""

from __future__ import annotations

from trainer.protocol.calls import Call, Part, Revert
from trainer.protocol.constants import MAX_SEATS
from trainer.protocol.events import BidPlaced, BidReturned, FormerPaid
from trainer.protocol.records import ZERO_ADDRESS, Seat
from trainer.protocol.types import Event


class Places(Part):
    """Operations of bids."""

    def bid(self, call: Call, seat: int, weight: int, value: int) -> list[Event]:
        """Stakes on the place of a lighter seat, or of one that left."""
        state, p = self.state, self.state.parameters
        self._require_stake(weight, value)
        if len(state.seats) != MAX_SEATS:
            raise Revert("RunNotFull")
        self._require_heavier(weight, state.seats[seat])
        before = state.bids.get(seat)
        if before:
            # A bid that nobody turns into a seat holds the place no longer than a benched seat does.
            has_run_out = call.block.time >= before.ready_at + p.challenge_window + p.answer_window
            if not has_run_out and weight <= 2 * before.weight:
                raise Revert("BidTooLow", before.weight)
        self._admit(call, returned=1 if before and before.owner == call.sender else 0)
        events = self._return_bid(call, seat) if before else []
        return events + self._emit(BidPlaced(call.block, seat, call.sender, weight))

    def withdraw_bid(self, call: Call, seat: int) -> list[Event]:
        """Credits a bid's stake to its owner."""
        self._require_bidder(call, seat)
        return self._return_bid(call, seat)

    def take_seat(self, call: Call, seat: int, operator: str, tip: bytes, peer: str) -> list[Event]:
        """Takes the place: its holder leaves with its stake."""
        self._require_bidder(call, seat)
        b, s = self.state.bids[seat], self.state.seats[seat]
        if call.block.time < b.ready_at:
            raise Revert("TooEarly", b.ready_at)
        self._require_heavier(b.weight, s)
        payment = self._compute_former_payment(call, seat)
        self._require_holder(operator, peer)
        events = self._emit(payment) if payment else []
        events += [] if s.has_left else self._depart(call, s)
        return events + self._seat_holder(call, seat, operator, b.weight, tip, peer)

    # ------------------------------------------------------------------ internal

    def _require_bidder(self, call: Call, seat: int) -> None:
        found = self.state.bids.get(seat)
        bidder = found.owner if found else ZERO_ADDRESS
        if call.sender != bidder:
            raise Revert("NotBidder", bidder)

    def _require_heavier(self, weight: int, s: Seat) -> None:
        if not s.has_left and weight <= 2 * s.next_weight:
            raise Revert("BidTooLow", s.next_weight)

    def _return_bid(self, call: Call, seat: int) -> list[Event]:
        b = self.state.bids[seat]
        return self._emit(BidReturned(call.block, seat, b.owner, b.weight))

    def _compute_former_payment(self, call: Call, seat: int) -> FormerPaid | None:
        """One former holder is kept for each id. It makes room once its stake is free and its pay could be settled."""
        f = self.state.former.get(seat)
        if f is None:
            return None
        if f.named:
            raise Revert("NamedByOverturn", f.named)
        free = self._compute_free_at(call, f) + self.state.parameters.settle_window
        if call.block.time < free:
            raise Revert("TooEarly", free)
        amount = 0 if f.withdrawn else f.next_weight * self.state.parameters.weight_unit
        return FormerPaid(call.block, seat, f.owner, amount)
