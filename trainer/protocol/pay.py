"""Pay: the pool, what seats earn, and what accounts can claim (contracts/parts/Pay.sol)."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.protocol.calls import Call, Part, Revert
from trainer.protocol.events import Claimed, Funded, Settled, Swept
from trainer.protocol.money_events import compute_due, is_condemned
from trainer.protocol.records import Seat
from trainer.protocol.types import Event, Phase


@dataclass
class Payee:
    """What `settle` keeps of a seat while it walks over heights."""

    holder: int
    seat: Seat
    settled_to: int
    paid: int = 0
    forfeited: int = 0
    is_waiting: bool = False  # for the pool


class Pay(Part):
    """Operations of money."""

    def fund(self, call: Call, value: int) -> list[Event]:
        """Adds to the pool that rounds are paid from."""
        return self._emit(Funded(call.block, call.sender, value))

    def settle(self, call: Call, holders: list[int], count: int) -> list[Event]:
        """Pays holders (+ 256 = the former one of the id) for their next `count` safe heights, as far as the pool
        goes.
        """
        payees: list[Payee] = []
        height = self.state.height
        for place, holder in enumerate(holders):
            if place and holder <= holders[place - 1]:
                raise Revert("NotAscending")
            seat = self.state.find_holder(holder)
            payees.append(Payee(holder, seat, seat.settled_to))
            height = min(height, seat.settled_to)
        pool = self.state.pool
        for following in range(height + 1, min(self.state.height, height + count) + 1):
            if not self._is_safe(call, following):
                break
            for payee in payees:
                if payee.settled_to != following - 1 or payee.is_waiting:
                    continue
                due = compute_due(self.state, payee.seat, following)
                if due > pool:
                    payee.is_waiting = True
                    continue
                pool -= due
                if is_condemned(self.state, payee.seat, following):
                    payee.forfeited += due
                else:
                    payee.paid += due
                payee.settled_to = following
        events: list[Event] = []
        for payee in payees:
            if payee.settled_to > payee.seat.settled_to:
                events += self._emit(Settled(call.block, payee.holder, payee.settled_to, payee.paid, payee.forfeited))
        return events

    def claim(self, call: Call, to: str, is_taken: bool = True) -> list[Event]:
        """Pays the sender's credit. `is_taken`: whether `to` takes a transfer."""
        amount = self.state.credits.get(call.sender, 0)
        if amount == 0:
            raise Revert("NothingToClaim")
        if not is_taken:
            raise Revert("TransferFailed")
        return self._emit(Claimed(call.block, call.sender, to, amount))

    def sweep(self, call: Call, to: str, is_taken: bool = True) -> list[Event]:
        """Pays what the pool of an ended run still holds."""
        state, p = self.state, self.state.parameters
        if call.sender != self.owner:
            raise Revert("NotRunOwner")
        phase, time = self._phase(call), state.stopped_at
        if phase is not Phase.FINISHED and (time == 0 or self._is_open(call)):
            raise Revert("WrongPhase", int(phase))
        last = state.find_slot_ballot(state.results[state.height % (p.ring + 1)].round)
        time = max(time, last.ballot_time if last else 0) + p.horizon + p.settle_window
        if call.block.time < time:
            raise Revert("TooEarly", time)
        if not is_taken:
            raise Revert("TransferFailed")
        return self._emit(Swept(call.block, to, state.pool))

    # ------------------------------------------------------------------ internal

    def _is_safe(self, call: Call, height: int) -> bool:
        """Whether the pay of a height may be drawn: not while its round can still be overturned; what is gone is."""
        kept = self.state.find_result(height)
        record = self.state.find_ballot(kept.round) if kept else None
        return record is None or call.block.time >= record.ballot_time + self.state.parameters.horizon
