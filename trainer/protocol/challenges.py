"""Challenges: a wrong sum is refuted by recomputing one chunk, even if all voters collude
(contracts/parts/Challenges.sol).
"""

from __future__ import annotations

from trainer.protocol.acceptance import compute_members
from trainer.protocol.calls import Call, Part, Revert
from trainer.protocol.constants import GRADIENT_LEAF_BYTES, STATE_LEAF_BYTES
from trainer.protocol.events import (
    AnswerAdvanced,
    Answered,
    Challenged,
    ChallengeLapsed,
    Overturned,
    Slashed,
)
from trainer.protocol.ledger import ROOT_BYTES
from trainer.protocol.messages import compute_outcome
from trainer.protocol.records import Challenge
from trainer.protocol.step import Schedule
from trainer.protocol.sums import LANE_WORDS, Sum, step_chunk
from trainer.protocol.tree import (
    compute_chunks,
    compute_depth,
    compute_root_from_path,
    gradient_leaf,
    is_padded,
    state_leaf,
)
from trainer.protocol.types import Event, Status


class Challenges(Part):
    """Operations of challenges."""

    def challenge(
        self, call: Call, round_id: int, height: int, chunk: int, state_root: bytes, value: int
    ) -> list[Event]:
        """Challenges one chunk of the state that a round made, with a bond."""
        state, p = self.state, self.state.parameters
        if not state.is_standing(round_id, height):
            raise Revert("NotStanding", round_id)
        record, slot = state.find_ballot(round_id), state.find_slot_ballot(round_id)
        end = (slot.ballot_time if slot else 0) + p.challenge_window
        if record is None or record.final is None or call.block.time >= end:
            raise Revert("TooLate", end)
        # The root is the whole one that was voted for, and nothing that the challenger could choose.
        final = record.final
        outcome = compute_outcome(state.domains, round_id, final.accepted, final.checked, state_root)
        if outcome[:20] != record.final_outcome[:20]:
            raise Revert("WrongRoot", final.state_root[:ROOT_BYTES])
        if chunk >= self._chunks:
            raise Revert("NoSuchChunk", self._chunks)
        if (round_id, chunk) in state.challenges:
            raise Revert("AlreadyChallenged")
        if p.invitation_only and call.sender not in state.has_sat:
            raise Revert("NeverSeated")
        bond = state.next_bond
        if value < bond:
            raise Revert("BondTooLow", bond)
        return self._emit(Challenged(call.block, round_id, chunk, call.sender, height, bond, state_root, value - bond))

    def answer_part(self, call: Call, round_id: int, chunk: int, sums: Sum, gradients: bytes) -> list[Event]:
        """Adds seats to the sender's sums for an answer that does not fit one transaction."""
        self._require_answerable(call, round_id, chunk)
        sums = self._add(call, round_id, chunk, sums, gradients)
        self.progress[round_id, chunk, call.sender] = sums
        return self._emit(AnswerAdvanced(call.block, round_id, chunk, call.sender, sums.next, sums.weight))

    def answer(
        self,
        call: Call,
        round_id: int,
        chunk: int,
        sums: Sum,
        gradients: bytes,
        old_chunk: bytes,
        old_path: bytes,
        new_path: bytes,
    ) -> list[Event]:
        """Shows that the chunk is right, by recomputing the integer step."""
        c, p = self._require_answerable(call, round_id, chunk), self.state.parameters
        depth = compute_depth(self._chunks)
        if len(old_chunk) != STATE_LEAF_BYTES or len(old_path) != 32 * depth or len(new_path) != 32 * depth:
            raise Revert("WrongLength")
        if compute_root_from_path(state_leaf(chunk, old_chunk), chunk, _split(old_path))[:ROOT_BYTES] != c.old_root:
            raise Revert("WrongOldState")
        sums = self._add(call, round_id, chunk, sums, gradients)
        if self._get_accepted(round_id) >> sums.next:
            raise Revert("SeatMissing", sums.next)
        step = Schedule(p.peak_step, p.warmup, p.decay, p.total_heights).compute_step(c.height - 1)
        new_chunk = step_chunk(old_chunk, sums.lanes, sums.weight, step)
        if compute_root_from_path(state_leaf(chunk, new_chunk), chunk, _split(new_path)) != c.new_root:
            raise Revert("WrongNewState")
        # Else a root with garbage beyond the last chunk would be right in every chunk, and false all the same.
        if not is_padded(chunk, _split(new_path), self._chunks):
            raise Revert("WrongNewState")
        is_late = c.status is Status.EXECUTED
        return self._emit(Answered(call.block, round_id, chunk, call.sender, c.bond // 2, is_late))

    def overturn(self, call: Call, round_id: int, chunk: int) -> list[Event]:
        """Executes a challenge that nobody answered."""
        state, window = self.state, self.state.parameters.answer_window
        c = self._require_status(round_id, chunk, Status.OPEN)
        start = c.time + window
        if call.block.time < start:
            raise Revert("TooEarly", start)
        if call.block.time >= start + window:
            raise Revert("TooLate", start + window)
        if not state.is_standing(round_id, c.height):
            raise Revert("NotStanding", round_id)
        voters = state.rounds[round_id].voters
        events = self._emit(Overturned(call.block, round_id, chunk, c.height - 1, state.clock.round, voters))
        # Who voted for what nobody could show neither acts nor takes its stake out before it is settled.
        for seat in sorted(compute_members(voters)):
            s = state.find_holder_at(seat, round_id)
            if s.is_activated:
                events += self._bench(call, s)
        return events

    def lapse(self, call: Call, round_id: int, chunk: int) -> list[Event]:
        """Ends an open challenge that was not executed in time, or whose round another overturn took."""
        c = self._require_status(round_id, chunk, Status.OPEN)
        end = c.time + 2 * self.state.parameters.answer_window
        if call.block.time < end and self.state.is_standing(round_id, c.height):
            raise Revert("TooEarly", end)
        return self._emit(ChallengeLapsed(call.block, round_id, chunk))

    def slash(self, call: Call, round_id: int, chunk: int, seat: int) -> list[Event]:
        """Settles one voter of an overturned round."""
        c = self._require_status(round_id, chunk, Status.EXECUTED, Status.CANCELLED)
        if not c.voters >> seat & 1:
            raise Revert("NotNamed")
        is_guilty = c.status is Status.EXECUTED
        time = c.time + self.state.parameters.answer_window
        if is_guilty and call.block.time < time:
            raise Revert("TooEarly", time)
        s = self.state.find_holder_at(seat, round_id)
        lost = s.next_weight - s.next_weight // 2 if is_guilty else 0
        # Half of it at most: to be slashed by oneself must cost.
        prize = min(lost * self.state.parameters.weight_unit // 2, c.prize) if is_guilty else 0
        events = self._emit(Slashed(call.block, round_id, chunk, seat, lost, prize))
        return events + self._depart(call, s) if is_guilty and s.next_weight == 0 and not s.has_left else events

    # ------------------------------------------------------------------ internal

    @property
    def _chunks(self) -> int:
        return compute_chunks(self.state.parameters.parameter_count)

    def _get_accepted(self, round_id: int) -> int:
        final = self.state.rounds[round_id].final
        return final.accepted if final else 0

    def _require_status(self, round_id: int, chunk: int, *wanted: Status) -> Challenge:
        c = self.state.challenges.get((round_id, chunk))
        if c is None or c.status not in wanted:
            raise Revert("WrongStatus", int(c.status if c else Status.NONE))
        return c

    def _require_answerable(self, call: Call, round_id: int, chunk: int) -> Challenge:
        """Open, and even late until it has lapsed; executed, until the slashes begin (an outage is not a lie)."""
        c = self._require_status(round_id, chunk, Status.OPEN, Status.EXECUTED)
        windows = 2 if c.status is Status.OPEN else 1
        end = c.time + windows * self.state.parameters.answer_window
        if call.block.time >= end:
            raise Revert("TooLate", end)
        return c

    def _add(self, call: Call, round_id: int, chunk: int, sums: Sum, gradients: bytes) -> Sum:
        """Adds further accepted seats to the sums, each checked against what it revealed."""
        if not sums.lanes:
            sums = Sum(lanes=(0,) * LANE_WORDS)
        elif len(sums.lanes) != LANE_WORDS:
            raise Revert("WrongLength")
        elif sums != self.progress.get((round_id, chunk, call.sender)):
            raise Revert("WrongProgress")
        stride = GRADIENT_LEAF_BYTES + 32 * compute_depth(self._chunks)
        if len(gradients) % stride:
            raise Revert("WrongLength")
        record, accepted = self.state.rounds[round_id], self._get_accepted(round_id)
        for start in range(0, len(gradients), stride):
            if accepted >> sums.next == 0:
                raise Revert("WrongLength")
            seat = next(seat for seat in range(sums.next, accepted.bit_length()) if accepted >> seat & 1)
            if not self.state.has_revealed(round_id, seat):
                raise Revert("NotRevealed", seat)
            bits = gradients[start : start + GRADIENT_LEAF_BYTES]
            path = gradients[start + GRADIENT_LEAF_BYTES : start + stride]
            root = compute_root_from_path(gradient_leaf(chunk, bits), chunk, _split(path))
            if root[:27] != record.reveals[seat].gradient_root[:27]:
                raise Revert("WrongGradient", seat)
            sums = sums.add(seat, record.weights[seat], bits)
        return sums


def _split(path: bytes) -> list[bytes]:
    return [path[start : start + 32] for start in range(0, len(path), 32)]
