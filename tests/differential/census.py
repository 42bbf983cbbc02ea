"""Counts what the sequences make happen, so that it is known, not hoped, that they go everywhere."""

from __future__ import annotations

from collections import Counter

from tests.differential.evidence import Flaw, Start
from tests.differential.operations import SAME_BLOCK, Step
from tests.differential.scene import Scene
from trainer.protocol.events import (
    Activated,
    Answered,
    Benched,
    Condemned,
    Overturned,
    Proposed,
    RoundFinal,
    RoundOpened,
    Settled,
    Slashed,
    Voted,
)
from trainer.protocol.phases import is_two_thirds, stretched
from trainer.protocol.types import Event, Phase

# Every function of the contract that changes anything.
OPERATIONS = [
    "join",
    "activate",
    "leave",
    "withdraw",
    "topUp",
    "setOperator",
    "setPeer",
    "announceTip",
    "bench",
    "retire",
    "bid",
    "withdrawBid",
    "takeSeat",
    "openRound",
    "commit",
    "reveal",
    "vote",
    "fund",
    "settle",
    "claim",
    "sweep",
    "challenge",
    "answerPart",
    "answer",
    "overturn",
    "lapse",
    "slash",
    "accuse",
    "admit",
    "revoke",
    "announceGroupKey",
    "stop",
]

# What a hundred sequences hold at least, beyond one of every operation and error.
MINIMUM = {
    "mine": 10,
    "same block": 300,
    "same time": 100,
    "void: too few revealed": 20,
    "void: no quorum": 20,
    "dissent": 50,
    "overtaken": 10,
    "late vote": 30,
    "slot with a final ballot used again": 10,
    "opened after a pause": 10,
    "longest windows": 1,
    "cap started by a departure": 5,
    "left without ever being active": 3,
    "finished": 6,
    "withdrawn after a vote": 5,
    "answered in time": 20,
    "answered in parts": 5,
    "answered late": 5,
    "overturn": 50,
    "stray leaf found": 2,
    "overturn of a round with a right root": 10,
    "overturn below an earlier one": 3,
    "overturn of a finished run": 1,
    "lapsed because another overturn took it": 3,
    "slashed": 50,
    "slashed to nothing": 3,
    "slashed after it had left": 5,
    "slashed former holder": 1,
    "named twice": 2,
    "settled without a slash": 5,
    "benched for misses": 5,
    "activated again": 20,
    "activated again in the same round": 2,
    "condemned": 10,
    "forfeited": 3,
    "paid": 50,
    "pay waits for the pool": 5,
    "paid at two weights": 2,
    "former holder paid": 1,
}


class Census:
    """Counters over steps and events."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, scene: Scene, step: Step, error: str, before: Phase, events: list[Event]) -> None:
        """Counts a step that has been carried out, `before` being the phase it met."""
        state, count = scene.state, self.counts
        count["same block"] += step.delay == SAME_BLOCK
        count["same time"] += step.delay == 0
        if error:
            count[error] += 1
            count["stray leaf found"] += error == "WrongNewState" and self._is_stray(scene, step)
            return
        count[step.kind] += 1
        match step.kind:
            case "withdraw":
                count["withdrawn after a vote"] += any(step.args[1] in record.votes for record in state.rounds.values())
            case "leave":
                count["left without ever being active"] += state.seats[step.args[1]].from_round == 0
                cap = stretched(state.parameters.commit_cap, state.clock.stretch)
                is_started = before is Phase.COMMIT and state.clock.commit_end == events[0].block.time + cap
                count["cap started by a departure"] += is_started
            case "openRound" if before is Phase.VOID:
                record = state.rounds[state.clock.round - 1]
                revealed = is_two_thirds(sum(record.weights[seat] for seat in record.reveals), record.base)
                count["void: no quorum" if revealed else "void: too few revealed"] += 1
            case "openRound" if before is Phase.FINAL:
                count["opened after a pause"] += 1
            case "settle":
                self._add_settling(scene, step, events)
            case "bench":
                count["benched for misses"] += 1
            case "lapse":
                challenge = state.challenges[step.args[1], step.args[2]]
                count["lapsed because another overturn took it"] += not state.is_standing(
                    step.args[1], challenge.height
                )
        for event in events:
            self._add_event(scene, event, before, is_final=any(isinstance(other, RoundFinal) for other in events))

    @staticmethod
    def _is_stray(scene: Scene, step: Step) -> bool:
        """Whether an answer that is right in all else met a leaf where none may be."""
        round_id, chunk, start, flaw = step.args[1:]
        tree = scene.trees.get(scene.state.challenges[round_id, chunk].new_root[:26])
        is_last = scene.chunks == 3 and chunk == 2 and start <= Start.GO_ON and flaw == Flaw.NONE
        return is_last and tree is not None and len(tree.leaves) > scene.chunks

    def _add_event(self, scene: Scene, event: Event, before: Phase, is_final: bool) -> None:
        state, count = scene.state, self.counts
        match event:
            case Proposed() if len(state.rounds[event.round].proposals) > 1:
                count["dissent"] += 1
            case RoundFinal():
                record = state.rounds[event.round]
                count["overtaken"] += record.final_outcome != next(iter(record.proposals))
                count["finished"] += event.height == state.parameters.total_heights
            case Voted() if not is_final and state.rounds[event.round].final:
                count["late vote"] += 1
            case RoundOpened():
                count["longest windows"] += event.stretch == 4
                earlier = range(event.round - state.parameters.ring, 1, -state.parameters.ring)
                count["slot with a final ballot used again"] += any(state.rounds[r].final for r in earlier)
            case Activated():
                seat = state.seats[event.seat]
                count["activated again"] += event.seat in scene.benched
                count["activated again in the same round"] += seat.misses_from == state.next_round
            case Benched():
                count["benched"] += 1
                scene.benched.add(event.seat)
            case Answered():
                count["answered late" if event.is_late else "answered in time"] += 1
                parts = [key for key in scene.contract.progress if key[:2] == (event.round, event.chunk)]
                count["answered in parts"] += any(key[2] == event.answerer for key in parts)
            case Overturned():
                self._add_overturn(scene, event, before)
            case Slashed():
                self._add_slash(scene, event)
            case Condemned():
                count["condemned"] += 1

    def _add_overturn(self, scene: Scene, event: Overturned, before: Phase) -> None:
        state, count = scene.state, self.counts
        count["overturn of a finished run"] += before is Phase.FINISHED
        final = state.rounds[event.round].final
        assert final
        count["overturn of a round with a right root"] += (
            final.state_root == scene.compute_right(event.round, final.accepted).root
        )
        count["overturn below an earlier one"] += event.height < scene.lowest < 1 << 24
        scene.lowest = min(scene.lowest, event.height)
        count["named twice"] += any(
            state.find_holder_at(seat, event.round).named > 1 for seat in range(256) if event.voters >> seat & 1
        )

    def _add_slash(self, scene: Scene, event: Slashed) -> None:
        state, count = scene.state, self.counts
        holder = state.find_holder_at(event.seat, event.round)
        count["slashed"] += event.lost > 0
        count["settled without a slash"] += event.lost == 0
        count["slashed to nothing"] += event.lost > 0 and holder.next_weight == 0
        count["slashed after it had left"] += event.lost > 0 and 0 < holder.left_at < event.block.time
        count["slashed former holder"] += holder is state.former.get(event.seat)

    def _add_settling(self, scene: Scene, step: Step, events: list[Event]) -> None:
        state, count = scene.state, self.counts
        settled = {event.seat: event for event in events if isinstance(event, Settled)}
        for event in settled.values():
            seat = state.find_holder(event.seat)
            count["paid"] += event.paid > 0
            count["forfeited"] += event.forfeited > 0
            count["former holder paid"] += event.seat >= 256 and event.paid > 0
            # Two weights in one settling, both paid.
            count["paid at two weights"] += event.paid > 0 and seat.weight != seat.next_weight and seat.changes_at > 2
        furthest = max((event.height for event in settled.values()), default=0)
        count["pay waits for the pool"] += any(
            state.find_holder(holder).settled_to < furthest and state.pool < state.parameters.reward_per_round
            for holder in step.args[2:]
        )

    def find_missing(self, errors: list[str], share: float = 1.0) -> dict[str, tuple[int, float]]:
        """What is below its minimum: (found, wanted). errors: all custom errors of the contract."""
        wanted: dict[str, float] = {name: max(1, least * share) for name, least in MINIMUM.items()}
        wanted |= dict.fromkeys([*OPERATIONS, *errors], 1)
        del wanted["BadParameter"]  # of the constructor: tested apart
        return {name: (self.counts[name], least) for name, least in wanted.items() if self.counts[name] < least}

    def print(self) -> None:
        """The counts, by kind."""
        errors = {name: n for name, n in self.counts.items() if name[0].isupper()}
        done = {name: self.counts[name] for name in OPERATIONS}
        others = {name: n for name, n in self.counts.items() if name not in errors and name not in done}
        for title, found in (("operations", done), ("errors", errors), ("events", others)):
            print(f"{title}: " + ", ".join(f"{name} {n}" for name, n in sorted(found.items())))
