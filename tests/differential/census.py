"""Counts what the recorded sequences make happen, so that it is known, not hoped, that they go everywhere."""

from __future__ import annotations

from collections import Counter

from tests.differential.operations import SAME_BLOCK, Scene, Step
from trainer.protocol.events import Proposed, RoundFinal, RoundOpened, Voted
from trainer.protocol.phases import is_two_thirds, stretched
from trainer.protocol.types import Event, Phase

# What the recorded sequences hold at least. Errors by their name, the rest in words.
MINIMUM = {
    "join": 600,
    "activate": 500,
    "leave": 100,
    "withdraw": 60,
    "open": 300,
    "commit": 1000,
    "reveal": 800,
    "vote": 600,
    "mine": 30,
    "same block": 300,
    "same time": 100,
    "void: too few revealed": 60,
    "void: no quorum": 60,
    "dissent": 120,
    "overtaken": 30,
    "late vote": 60,
    "late vote for an outcome that overtook": 5,
    "slot with a final ballot used again": 60,
    "opened after a pause": 30,
    "longest windows": 5,
    "cap started by a departure": 20,
    "left without ever being active": 20,
    "finished": 20,
    "withdrawn after a vote": 5,
    "anchor of the oldest block": 5,
}
MINIMUM_OF_AN_ERROR = 12
RARE = {"RunFull": 2, "BadParameter": 0}  # takes 256 joins; tested apart


class Census:
    """Counters over steps and events."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, scene: Scene, step: Step, before: Phase, events: list[Event]) -> None:
        """Counts a step that has been carried out, `before` being the phase it met."""
        state, count = scene.state, self.counts
        if step.delay == SAME_BLOCK:
            count["same block"] += 1
        if step.delay == 0:
            count["same time"] += 1
        if step.expected:
            count[step.expected] += 1
            return
        count[step.kind] += 1
        if step.kind in ("commit", "vote") and step.args[3] == 256:
            count["anchor of the oldest block"] += 1
        if step.kind == "withdraw" and any(step.args[1] in record.votes for record in state.rounds.values()):
            count["withdrawn after a vote"] += 1
        if step.kind == "leave":
            count["left without ever being active"] += state.seats[step.args[1]].from_round == 0
        if step.kind == "leave" and before is Phase.COMMIT:
            cap = stretched(state.parameters.commit_cap, state.clock.stretch)
            count["cap started by a departure"] += state.clock.commit_end == events[0].block.time + cap
        if step.kind == "open" and before is Phase.VOID:
            record = state.rounds[state.clock.round - 1]
            revealed = is_two_thirds(sum(record.weights[seat] for seat in record.reveals), record.base)
            count["void: no quorum" if revealed else "void: too few revealed"] += 1
        if step.kind == "open" and before is Phase.FINAL:
            count["opened after a pause"] += 1
        for event in events:
            if isinstance(event, Proposed) and len(state.rounds[event.round].proposals) > 1:
                count["dissent"] += 1
            if isinstance(event, RoundFinal):
                record = state.rounds[event.round]
                count["overtaken"] += record.final_outcome != next(iter(record.proposals))
                count["finished"] += event.height == state.parameters.total_heights
            if isinstance(event, Voted) and not any(isinstance(other, RoundFinal) for other in events):
                record = state.rounds[event.round]
                if record.final:
                    count["late vote"] += 1
                    if record.final_outcome != next(iter(record.proposals)):
                        count["late vote for an outcome that overtook"] += 1
            if isinstance(event, RoundOpened):
                count["longest windows"] += event.stretch == 4
                earlier = range(event.round - state.parameters.ring, 1, -state.parameters.ring)
                count["slot with a final ballot used again"] += any(state.rounds[r].final for r in earlier)

    def find_missing(self, errors: list[str]) -> dict[str, tuple[int, int]]:
        """What is below its minimum: (found, wanted). errors: all custom errors of the contract."""
        wanted = MINIMUM | {name: RARE.get(name, MINIMUM_OF_AN_ERROR) for name in errors}
        return {name: (self.counts[name], least) for name, least in wanted.items() if self.counts[name] < least}
