"""Rounds: commit, reveal, vote (contracts/parts/Rounds.sol)."""

from __future__ import annotations

from trainer.protocol.calls import Anchor, Call, Part, Revert
from trainer.protocol.constants import MAX_STRETCH
from trainer.protocol.events import Committed, Proposed, Revealed, RoundFinal, RoundOpened, Voted
from trainer.protocol.ledger import OPEN_PHASES
from trainer.protocol.messages import compute_commitment, compute_outcome
from trainer.protocol.phases import is_two_thirds
from trainer.protocol.records import Round
from trainer.protocol.types import Event, Phase


class Rounds(Part):
    """Operations of a round."""

    def open_round(self, call: Call) -> list[Event]:
        """Opens the next round."""
        phase = self._phase(call)
        if phase is Phase.FINISHED:
            raise Revert("RunFinished")
        if phase in OPEN_PHASES:
            raise Revert("WrongPhase", int(phase))
        if self.state.stopped_at:
            raise Revert("RunStopped")
        stretch = self.state.clock.stretch
        if phase is Phase.VOID:
            stretch = min(stretch + 1, MAX_STRETCH)
        active, base, busy_until = self.state.compute_next_opening()
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
        record = self.state.find_ballot(round_id)
        if record is None:
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
        if not was_final and is_two_thirds(record.get_tally(outcome), record.base):
            events += self._finalise(call, record, outcome)
        return events

    # ------------------------------------------------------------------ internal

    def _require_phase(self, call: Call, round_id: int, wanted: Phase) -> Round:
        if self.state.clock.round != round_id:
            raise Revert("WrongRound", self.state.clock.round)
        phase = self._phase(call)
        if phase is not wanted:
            raise Revert("WrongPhase", int(phase))
        return self.state.rounds[round_id]

    def _require_anchor(self, call: Call, anchor: Anchor) -> None:
        if not any(anchor.hash) or call.get_block_hash(anchor.number) != anchor.hash:
            raise Revert("BadAnchor", anchor.number)

    def _is_closed(self, record: Round, time: int) -> bool:
        if record.interrupted:
            return True
        return not self.state.is_last_height(record.round) if record.final else time >= record.vote_deadline

    def _open(self, call: Call, stretch: int, active: int, base: int) -> list[Event]:
        state = self.state
        return self._emit(
            RoundOpened(call.block, state.next_round, state.height, active, base, stretch, state.clock.opened_block)
        )

    def _finalise(self, call: Call, record: Round, outcome: bytes) -> list[Event]:
        state, proposed = self.state, record.proposals[outcome]
        height = state.height + 1
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
        # Finality never fails: where the next round cannot open at once, anybody opens it later.
        active, base, busy_until = state.compute_next_opening()
        is_last = height == state.parameters.total_heights or state.stopped_at != 0
        if not is_last and is_two_thirds(active, base) and call.block.time >= busy_until:
            events += self._open(call, 0, active, base)
        return events
