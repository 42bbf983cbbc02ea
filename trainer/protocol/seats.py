"""Seats: who takes part, with what weight, and how they go (contracts/parts/Seats.sol)."""

from __future__ import annotations

from trainer.protocol.calls import Call, Part, Revert
from trainer.protocol.constants import MAX_SEATS, MAX_WEIGHT
from trainer.protocol.events import (
    Activated,
    FormerWithdrawn,
    OperatorChanged,
    PeerChanged,
    TipAnnounced,
    WeightChanged,
    Withdrawn,
)
from trainer.protocol.ledger import Ledger
from trainer.protocol.records import ZERO_ADDRESS
from trainer.protocol.types import Event

# Rounds in a row that a seat must miss to be benched, and how many rounds later they still count.
MISSES = 3
MISSES_AGE = 4


class Seats(Part):
    """Operations on single seats."""

    def join(self, call: Call, weight: int, operator: str, tip: bytes, peer: str, value: int) -> list[Event]:
        """Takes a seat with `value` wei of stake."""
        self._require_stake(weight, value)
        if len(self.state.seats) == MAX_SEATS:
            raise Revert("RunFull")
        self._admit(call)
        self._require_holder(operator, peer)
        return self._seat_holder(call, len(self.state.seats), operator, weight, tip, peer)

    def activate(self, call: Call, seat: int) -> list[Event]:
        """Lets the seat act from the next round on."""
        s = self._owned(call, seat, or_operator=True)
        if s.is_activated:
            raise Revert("AlreadyActive", s.from_round)
        if s.named:
            raise Revert("NamedByOverturn", s.named)
        if call.block.time < s.ready_at:
            raise Revert("TooEarly", s.ready_at)
        is_out = s.from_round == 0 or s.until < self.state.clock.round
        first = self.state.next_round if is_out else s.from_round
        return self._emit(Activated(call.block, seat, first, s.next_weight))

    def leave(self, call: Call, seat: int) -> list[Event]:
        """The seat acts in no later round."""
        return self._depart(call, self._owned(call, seat, or_operator=False))

    def withdraw(self, call: Call, seat: int, to: str, is_taken: bool = True) -> list[Event]:
        """Pays the stake of a seat that left. `is_taken`: whether `to` takes a transfer; only the chain knows."""
        s = self.state.find_holder(seat + MAX_SEATS)
        is_former = call.sender == s.owner and not s.withdrawn
        if not is_former:
            s = self.state.find_holder(seat)
        if call.sender != s.owner:
            raise Revert("NotOwner", s.owner)
        if not s.has_left:
            raise Revert("NotLeft")
        if s.withdrawn:
            raise Revert("AlreadyWithdrawn")
        if s.named:
            raise Revert("NamedByOverturn", s.named)
        free = self._compute_free_at(call, s)
        if call.block.time < free:
            raise Revert("TooEarly", free)
        if not is_taken:
            raise Revert("TransferFailed")
        amount = s.next_weight * self.state.parameters.weight_unit
        kind = FormerWithdrawn if is_former else Withdrawn
        return self._emit(kind(call.block, seat, to, amount))

    def top_up(self, call: Call, seat: int, by: int, value: int) -> list[Event]:
        """Adds to the stake; the weight counts from the next round on."""
        s = self._owned(call, seat, or_operator=False)
        self._require_stake(by, value)
        weight = s.next_weight + by
        if weight > MAX_WEIGHT:
            raise Revert("BadWeight")
        if s.changes_at != self.state.next_round and not self.state.is_settled(s):
            raise Revert("Unsettled", s.settled_to)
        return self._emit(WeightChanged(call.block, seat, weight, self.state.next_round))

    def set_operator(self, call: Call, seat: int, operator: str) -> list[Event]:
        """Names who acts for the seat from the next round on."""
        self._owned(call, seat, or_operator=False)
        if operator == ZERO_ADDRESS:
            raise Revert("BadOperator")
        return self._emit(OperatorChanged(call.block, seat, operator, self.state.next_round))

    def set_peer(self, call: Call, seat: int, peer: str) -> list[Event]:
        """Announces where the seat's IPFS node is."""
        self._owned(call, seat, or_operator=True)
        self._require_peer(peer)
        return self._emit(PeerChanged(call.block, seat, peer))

    def announce_tip(self, call: Call, seat: int, tip: bytes) -> list[Event]:
        """Announces a new key chain."""
        self._owned(call, seat, or_operator=True)
        return self._emit(TipAnnounced(call.block, seat, self.state.clock.round, tip))

    def bench(self, call: Call, seat: int, round_id: int) -> list[Event]:
        """Benches a seat that missed three rounds in a row."""
        s = self.state.find_holder(seat)
        if not s.is_activated:
            raise Revert("NotActive", s.from_round, s.until)
        is_old = round_id + MISSES_AGE < self.state.clock.round
        if is_old or round_id < max(s.from_round, s.misses_from, self.state.misses_from):
            raise Revert("NotMissed", round_id)
        is_open = self._is_open(call)
        for missed in range(round_id, round_id + MISSES):
            if not has_missed(self.state, seat, missed, is_open):
                raise Revert("NotMissed", missed)
        return self._bench(call, s)

    def retire(self, call: Call, seat: int) -> list[Event]:
        """Makes a seat leave that has been benched for long."""
        s, p = self.state.find_holder(seat), self.state.parameters
        if s.owner == ZERO_ADDRESS:
            raise Revert("NoSeat")
        if s.has_left:
            raise Revert("HasLeft")
        if s.is_activated:
            raise Revert("AlreadyActive", s.from_round)
        time = s.ready_at + p.challenge_window + p.answer_window
        if call.block.time < time:
            raise Revert("TooEarly", time)
        return self._depart(call, s)


def has_missed(state: Ledger, seat: int, round_id: int, is_open: bool) -> bool:
    """A miss: committed and not revealed; or no vote for a final outcome when the next height is final; or nothing
    committed in a void round. (Votes of void rounds do not count: honest abstention would bench.) `is_open`: whether
    the current round is.
    """
    if round_id > state.clock.round or (round_id == state.clock.round and is_open):
        return False
    has_committed = state.has_entry(round_id, seat)
    if has_committed and not state.has_revealed(round_id, seat):
        return True
    record = state.find_ballot(round_id)
    if record and record.final:
        return not state.is_last_height(round_id) and not record.voters >> seat & 1
    return not has_committed
