"""What the contract's views must say, from the Python model: the words of Lens.sol, in its order."""

from __future__ import annotations

from dataclasses import fields

from tests.differential.operations import Scene, Step
from trainer.protocol.events import Proposed, RoundFinal, Voted
from trainer.protocol.types import NO_END, Event

UINT64_MAX = (1 << 64) - 1

Words = list[tuple[str, int]]


class Ghost:
    """The model, and what only the contract's storage remembers: the weight behind outcomes that were not the first."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.dissents: dict[bytes, list[int]] = {}

    def apply(self, step: Step, number: int, time: int) -> list[Event]:
        """Carries a step out on the model. Raises Revert."""
        events = self.scene.apply(step, number, time)
        for event in events:
            if isinstance(event, Voted):
                record = self.scene.state.rounds[event.round]
                was_final = record.final and not any(isinstance(other, RoundFinal) for other in events)
                if event.outcome != next(iter(record.proposals)) and not was_final:
                    entry = self.dissents.setdefault(event.outcome, [0, 0])
                    entry[0] |= 1 << event.seat
                    entry[1] += self.scene.state.seats[event.seat].weight
            elif isinstance(event, Proposed):
                self.dissents.setdefault(event.outcome, [0, 0])
        return events

    def list_recent_outcomes(self) -> list[bytes]:
        """Outcomes of the current round and the one before."""
        state = self.scene.state
        recent = [state.rounds[r] for r in (state.clock.round - 1, state.clock.round) if r in state.rounds]
        return [outcome for record in recent for outcome in record.proposals]

    def list_words(self, rounds: list[int], seats: list[int], outcomes: list[bytes], number: int, time: int) -> Words:
        """The answer of `read`, word by word with names, in block `number` at `time`."""
        words = self._list_run(number, time)
        for seat in seats:
            words += self._list_seat(seat)
        for round_id in rounds:
            words += self._list_round(round_id)
            for seat in seats:
                words += self._list_entry(round_id, seat)
        for outcome in outcomes:
            voters, tally = self.dissents[outcome]
            words += [(f"dissent {outcome.hex()[:8]} voters", voters), ("its tally", tally)]
        return words

    def _list_run(self, number: int, time: int) -> Words:
        state, c = self.scene.state, self.scene.state.clock
        phase, end = state.compute_phase(time)
        return [
            ("time", time),
            ("number", number),
            *((f"clock.{field.name}", int(getattr(c, field.name))) for field in fields(c)),
            ("roll.nextActive", state.next_active),
            ("roll.seated", state.seated),
            ("roll.seats", len(state.seats)),
            ("phase", phase),
            ("deadline", UINT64_MAX if end == NO_END else end),
            ("staked", state.staked),
            ("balance", state.staked),
            ("horizon", state.parameters.horizon),
        ]

    def _list_seat(self, seat: int) -> Words:
        s = self.scene.state.seats.get(seat)
        names = ("operator", "weight", "from", "until", "owner", "readyAt", "leftAt")
        if s is None or s.withdrawn:
            return [(f"seat {seat} {name}", 0) for name in names]
        values = (int(s.operator, 16), s.weight, s.from_round, s.until, int(s.owner, 16), s.ready_at, s.left_at)
        return [(f"seat {seat} {name}", value) for name, value in zip(names, values, strict=True)]

    def _list_round(self, round_id: int) -> Words:
        record = self.scene.state.rounds.get(round_id)
        names = (
            "outcome",
            "round",
            "time",
            "tally",
            "base",
            "flags",
            "voters",
            "dissenters",
            "root",
            "height",
            "accepted",
            "checked",
        )
        values = [0] * 12
        if record is not None and self.scene.contract._has_ballot(record):
            outcome = record.final_outcome or next(iter(record.proposals))
            final = record.final
            voters = record.get_voters(outcome)
            others = sum(1 << seat for seat in record.votes) & ~voters
            tally = record.tally if final else record.get_tally(outcome, self.scene.state.weights)
            time = final.block.time if final else record.vote_deadline
            values[:8] = [int.from_bytes(outcome[:20], "big"), round_id, time, tally, record.base, 0, voters, others]
            values[5] = (1 if final else 0) | (2 if others or len(record.proposals) > 1 else 0)
            if final:
                values[8:] = [int.from_bytes(final.state_root[:29], "big"), final.height, final.accepted, final.checked]
        return [(f"round {round_id} {name}", value) for name, value in zip(names, values, strict=True)]

    def _list_entry(self, round_id: int, seat: int) -> Words:
        state = self.scene.state
        record, ring = state.rounds.get(round_id), state.parameters.ring
        values = [0, 0, 0, 0]
        # An entry lives until the same seat writes into the same slot.
        later = [state.rounds[r] for r in range(round_id + ring, state.clock.round + 1, ring) if r in state.rounds]
        if record is not None and seat in record.commits and not any(seat in other.commits for other in later):
            digest = self.scene.contract.commitments[round_id, seat]
            if seat in record.reveals:
                digest = record.reveals[seat].gradient_root
            stage = int(seat in record.reveals)
            values = [int.from_bytes(digest[:27], "big"), record.weights[seat], round_id, stage]
        names = ("digest", "weight", "round", "stage")
        return [(f"entry {round_id}/{seat} {name}", value) for name, value in zip(names, values, strict=True)]
