"""Accusations of dishonest training (contracts/parts/Accusations.sol): they take pay, no stake, and stop no round."""

from __future__ import annotations

from trainer.protocol.calls import Call, Part, Revert
from trainer.protocol.events import Accused, Condemned
from trainer.protocol.records import Accusation, Round, Seat
from trainer.protocol.types import Event


class Accusations(Part):
    """Operations of accusations."""

    def accuse(
        self, call: Call, round_id: int, height: int, seat: int, accused: int, gradient_root: bytes, witness: int
    ) -> list[Event]:
        """Accuses a seat of dishonest training in a round that made a height and is not safe yet."""
        state, p = self.state, self.state.parameters
        self._require_acting(call, seat, round_id)
        if accused == seat:
            raise Revert("SelfAccused")
        # A cartel that was overturned has its old weight in older rounds still.
        named = state.find_holder_at(seat, round_id).named
        if named:
            raise Revert("NamedByOverturn", named)
        if not state.is_standing(round_id, height):
            raise Revert("NotStanding", round_id)
        record, slot = state.find_ballot(round_id), state.find_slot_ballot(round_id)
        end = (slot.ballot_time if slot else 0) + p.horizon
        if record is None or call.block.time >= end:
            raise Revert("TooLate", end)
        is_revealed = state.has_revealed(round_id, accused)
        if not is_revealed or record.reveals[accused].gradient_root[:27] != gradient_root[:27]:
            raise Revert("WrongGradient", accused)
        s = state.find_holder_at(accused, round_id)
        # The id changed hands twice: who held it is not known any more, and nobody pays for another.
        if round_id < s.first:
            raise Revert("NoSeat")
        if round_id <= s.condemned_in:
            raise Revert("AlreadyCondemned", s.condemned_in)
        if state.accusations.get((round_id, accused, witness), Accusation()).voters >> seat & 1:
            raise Revert("AlreadyAccused")

        events = self._emit(Accused(call.block, round_id, accused, seat, witness))
        tally = state.accusations[round_id, accused, witness].tally
        # More than half of the base without the accused.
        if 2 * tally + record.weights[accused] > record.base:
            events += self._condemn(call, record, s, witness)
        return events

    def _condemn(self, call: Call, record: Round, s: Seat, witness: int) -> list[Event]:
        state, owed = self.state, 0
        is_known = record.round >= state.find_holder_at(witness, record.round).first
        if witness != s.seat and is_known and state.has_entry(record.round, witness):
            owed = state.parameters.check_reward * record.weights[witness] // record.base
        events = self._emit(Condemned(call.block, record.round, s.seat, witness, state.clock.round, owed))
        return events + self._bench(call, s) if s.is_activated else events
