"""The contract's operations in Python: the same checks in the same order, the same events. Ghost model of the
contract's tests; what a call would do before it is sent.

Every operation returns the events it would emit and applies them, or raises `Revert` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.protocol.constants import FIRST_ROUND, MAX_PEER_BYTES, MAX_SEATS, MAX_STRETCH, MAX_WEIGHT
from trainer.protocol.events import (
    Activated,
    Committed,
    Joined,
    Left,
    Proposed,
    Revealed,
    RoundFinal,
    RoundOpened,
    Voted,
    Withdrawn,
)
from trainer.protocol.messages import compute_commitment, compute_outcome
from trainer.protocol.phases import compute_base, compute_phase, is_two_thirds
from trainer.protocol.run_state import Round, RunState, Seat
from trainer.protocol.types import FOREVER, BlockRef, Event, Phase

ZERO_ADDRESS = "0x" + "00" * 20
OPEN_PHASES = (Phase.COMMIT, Phase.REVEAL, Phase.VOTE)


class Revert(Exception):
    """A custom error of the contract, by name, with its arguments as the ABI decodes them."""

    def __init__(self, name: str, *args: object) -> None:
        super().__init__(name, *args)
        self.name = name
        self.arguments = args


@dataclass(frozen=True)
class Anchor:
    """Number and hash of a block, as a commit or a vote carries them."""

    number: int
    hash: bytes


@dataclass(frozen=True)
class Call:
    """Who calls and in which block. `get_block_hash(n)` is the EVM's: zero bytes but for the 256 blocks before."""

    sender: str
    block: BlockRef
    get_block_hash: Callable[[int], bytes]


class Contract:
    """The contract's state machine over a `RunState`."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        # Commitment of (round, seat): in no event, since `reveal` proves it.
        self.commitments: dict[tuple[int, int], bytes] = {}

    # ------------------------------------------------------------------ seats

    def join(self, call: Call, weight: int, operator: str, tip: bytes, peer: str, value: int) -> list[Event]:
        """Takes a seat with `value` wei of stake."""
        state = self.state
        if self._phase(call) is Phase.FINISHED:
            raise Revert("RunFinished")
        if not 1 <= weight <= MAX_WEIGHT:
            raise Revert("BadWeight")
        if operator == ZERO_ADDRESS:
            raise Revert("BadOperator")
        if len(peer.encode()) > MAX_PEER_BYTES:
            raise Revert("PeerTooLong", len(peer.encode()))
        stake = weight * state.parameters.weight_unit
        if value != stake:
            raise Revert("WrongStake", stake)
        if len(state.seats) == MAX_SEATS:
            raise Revert("RunFull")
        return self._emit(
            Joined(call.block, len(state.seats), call.sender, operator, weight, state.clock.round, tip, peer)
        )

    def activate(self, call: Call, seat: int) -> list[Event]:
        """Lets the seat act from the next round on."""
        s = self._seat(seat)
        if s is None or call.sender not in (s.operator, s.owner):
            raise Revert("NotOperator", s.operator if s else ZERO_ADDRESS)
        if s.until != FOREVER:
            raise Revert("HasLeft")
        if s.from_round:
            raise Revert("AlreadyActive", s.from_round)
        if call.block.time < s.ready_at:
            raise Revert("TooEarly", s.ready_at)
        return self._emit(Activated(call.block, seat, self.state.next_round, s.weight))

    def leave(self, call: Call, seat: int) -> list[Event]:
        """The seat acts in no later round."""
        s = self._owned(call, seat)
        if s.until != FOREVER:
            raise Revert("HasLeft")
        return self._emit(Left(call.block, seat, self.state.clock.round, s.weight))

    def withdraw(self, call: Call, seat: int, to: str, is_taken: bool = True) -> list[Event]:
        """Pays the stake of a seat that left. `is_taken`: whether `to` takes a transfer; only the chain knows."""
        s = self._owned(call, seat)
        if s.until == FOREVER:
            raise Revert("NotLeft")
        free = self._compute_free_at(call, s)
        if call.block.time < free:
            raise Revert("TooEarly", free)
        if not is_taken:
            raise Revert("TransferFailed")
        return self._emit(Withdrawn(call.block, seat, to, s.weight * self.state.parameters.weight_unit))

    # ------------------------------------------------------------------ rounds

    def open_round(self, call: Call) -> list[Event]:
        """Opens the next round."""
        phase = self._phase(call)
        if phase is Phase.FINISHED:
            raise Revert("RunFinished")
        if phase in OPEN_PHASES:
            raise Revert("WrongPhase", int(phase))
        stretch = self.state.clock.stretch
        if phase is Phase.VOID:
            stretch = min(stretch + 1, MAX_STRETCH)
        active, base, busy_until = self.compute_next_opening()
        if not is_two_thirds(active, base):
            raise Revert("TooLittleWeight", active, base)
        if call.block.time < busy_until:
            raise Revert("SlotBusy", busy_until)
        return self._open(call, stretch, active, base)

    def commit(
        self, call: Call, round_id: int, seat: int, anchor: Anchor, commitment: bytes, sealed_digest: bytes
    ) -> list[Event]:
        """Commits to a sealed gradient. The commitment is kept beside the events, as in the contract's entry."""
        record = self._require_phase(call, round_id, Phase.COMMIT)
        self._require_acting(call, seat, round_id)
        if anchor.number < self.state.clock.opened_block:
            raise Revert("BadAnchor", anchor.number)
        self._require_anchor(call, anchor)
        if seat in record.commits:
            raise Revert("AlreadyCommitted")
        self.commitments[round_id, seat] = commitment
        return self._emit(Committed(call.block, round_id, seat, sealed_digest))

    def reveal(self, call: Call, round_id: int, seat: int, gradient_root: bytes, key: bytes, haves: int) -> list[Event]:
        """Opens the commitment."""
        record = self._require_phase(call, round_id, Phase.REVEAL)
        if seat not in record.commits:
            raise Revert("NotCommitted")
        if seat in record.reveals:
            raise Revert("AlreadyRevealed")
        commitment = compute_commitment(self.state.domains, round_id, seat, call.sender, gradient_root)
        if self.commitments[round_id, seat][:27] != commitment[:27]:
            raise Revert("CommitmentMismatch")
        return self._emit(Revealed(call.block, round_id, seat, gradient_root, key, haves))

    def vote(
        self, call: Call, round_id: int, seat: int, anchor: Anchor, accepted: int, checked: int, new_state_root: bytes
    ) -> list[Event]:
        """Votes for the next state; at the quorum the round is final and the next one opens."""
        if accepted == 0:
            raise Revert("EmptySet")
        self._require_acting(call, seat, round_id)
        self._require_anchor(call, anchor)
        outcome = compute_outcome(self.state.domains, round_id, accepted, checked, new_state_root)
        record = self.state.rounds.get(round_id)
        if record is None or not self._has_ballot(record):
            record = self._require_phase(call, round_id, Phase.VOTE)
        elif self._is_closed(record, call.block.time):
            raise Revert("RoundClosed")
        elif seat in record.votes:
            raise Revert("AlreadyVoted")
        if record.final and outcome != record.final_outcome:
            raise Revert("NotFinalOutcome", record.final_outcome[:20])
        was_final = record.final is not None
        events: list[Event] = []
        if outcome not in record.proposals:
            events += self._emit(Proposed(call.block, round_id, outcome, accepted, checked, new_state_root))
        events += self._emit(Voted(call.block, round_id, seat, outcome))
        if not was_final and is_two_thirds(record.get_tally(outcome, self.state.weights), record.base):
            events += self._finalise(call, record, outcome)
        return events

    # ------------------------------------------------------------------ internal

    def _emit(self, event: Event) -> list[Event]:
        self.state.apply(event)
        return [event]

    def _phase(self, call: Call) -> Phase:
        return compute_phase(self.state.clock, self.state.parameters, call.block.time)[0]

    def _seat(self, seat: int) -> Seat | None:
        s = self.state.seats.get(seat)
        return None if s is None or s.withdrawn else s  # the contract deletes a seat with its stake

    def _owned(self, call: Call, seat: int) -> Seat:
        s = self._seat(seat)
        if s is None or call.sender != s.owner:
            raise Revert("NotOwner", s.owner if s else ZERO_ADDRESS)
        return s

    def _require_phase(self, call: Call, round_id: int, wanted: Phase) -> Round:
        if self.state.clock.round != round_id:
            raise Revert("WrongRound", self.state.clock.round)
        phase = self._phase(call)
        if phase is not wanted:
            raise Revert("WrongPhase", int(phase))
        return self.state.rounds[round_id]

    def _require_acting(self, call: Call, seat: int, round_id: int) -> Seat:
        s = self._seat(seat)
        if s is None or call.sender != s.operator:
            raise Revert("NotOperator", s.operator if s else ZERO_ADDRESS)
        if not s.is_active(round_id):
            raise Revert("NotActive", s.from_round, s.until)
        return s

    def _require_anchor(self, call: Call, anchor: Anchor) -> None:
        if not any(anchor.hash) or call.get_block_hash(anchor.number) != anchor.hash:
            raise Revert("BadAnchor", anchor.number)

    def _has_ballot(self, record: Round) -> bool:
        """Whether the ballot is in its ring slot still: somebody voted, and nobody in a later round of the slot."""
        later = range(record.round + self.state.parameters.ring, self.state.clock.round + 1, self.state.parameters.ring)
        return bool(record.votes) and not any(self.state.rounds[r].votes for r in later if r in self.state.rounds)

    def _is_closed(self, record: Round, time: int) -> bool:
        if record.final is None:
            return time >= record.vote_deadline
        return record.final.height != self.state.height

    def compute_next_opening(self) -> tuple[int, int, int]:
        state, p = self.state, self.state.parameters
        base = compute_base(state.next_active, state.seated, p.min_weight)
        busy_until = 0
        for round_id in range(state.next_round - p.ring, FIRST_ROUND - 1, -p.ring):
            record = state.rounds[round_id]
            if record.votes:  # the ballot that stands in the slot
                if record.final:
                    busy_until = record.final.block.time + p.horizon + p.settle_window
                break
        return state.next_active, base, busy_until

    def _open(self, call: Call, stretch: int, active: int, base: int) -> list[Event]:
        state = self.state
        return self._emit(
            RoundOpened(call.block, state.next_round, state.height, active, base, stretch, state.clock.opened_block)
        )

    def _finalise(self, call: Call, record: Round, outcome: bytes) -> list[Event]:
        proposed = record.proposals[outcome]
        height = self.state.height + 1
        events = self._emit(
            RoundFinal(
                call.block,
                record.round,
                height,
                proposed.accepted,
                proposed.checked,
                proposed.new_state_root,
                record.get_voters(outcome),
            )
        )
        active, base, busy_until = self.compute_next_opening()
        is_last = height == self.state.parameters.total_heights
        if not is_last and is_two_thirds(active, base) and call.block.time >= busy_until:
            events += self._open(call, 0, active, base)
        return events

    def _compute_free_at(self, call: Call, s: Seat) -> int:
        """Time from which the stake of a seat that left is free (the contract's `_freeAt`)."""
        p = self.state.parameters
        free = s.left_at + p.horizon
        is_open = self.state.clock.round == s.until and self._phase(call) in OPEN_PHASES
        record = self.state.rounds.get(s.until)
        if record and self._has_ballot(record) and s.seat in record.votes:
            if record.final is None:
                if is_open:
                    raise Revert("VoteUndecided", record.vote_deadline)
            elif record.votes[s.seat] == record.final_outcome:
                free = max(free, record.final.block.time + p.horizon)
        if is_open:
            free = max(free, s.left_at + p.leave_delay)
        return free
