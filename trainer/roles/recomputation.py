"""Recomputes the training of seats from public data and compares it with what they handed in: anybody may, without a
key. It says how far it agrees; the threshold is the run's own, for disputes.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainer.blobs.store import BlobStore
from trainer.errors import BlobError, UsageError
from trainer.learn.local_training import LocalTrainer
from trainer.protocol.acceptance import compute_members
from trainer.protocol.checks import CheckRules
from trainer.protocol.constants import FIRST_ROUND
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import sealed_length
from trainer.roles.examination import open_bits
from trainer.roles.replay import count_agreeing, plan_replay, replay

FETCH_SECONDS = 60  # to find the blob of a seat that was accepted

Report = Callable[..., None]
Submission = tuple[int, int]  # round and seat


@dataclass(frozen=True)
class Recomputation:
    """One submission, recomputed. replayed: heights before it that were replayed. is_exact: the seat began cold where
    the replay does, so only the rounding of another machine may differ. agreeing: of the P bits. seconds: of training.
    """

    round: int
    seat: int
    height: int
    replayed: int
    is_exact: bool
    agreeing: int
    parameter_count: int
    seconds: float

    @property
    def percent(self) -> float:
        """For a person; what is judged is exact."""
        return 100 * self.agreeing / self.parameter_count

    def is_confirmed(self, rules: CheckRules) -> bool:
        """Whether the run's threshold for disputes takes it for honest work."""
        return rules.is_confirmed(self.agreeing, self.parameter_count)


def list_submissions(run: RunState) -> list[Submission]:
    """All that are part of the model: of every round that made a height, the accepted seats."""
    return [(final.round, seat) for final in run.finals for seat in sorted(compute_members(final.accepted))]


def draw_submissions(run: RunState, share: float, seed: int) -> list[Submission]:
    """A random share (above 0, at most 1) of them, at least one if there is one; the same for the same seed."""
    found = list_submissions(run)
    count = min(len(found), max(1, round(share * len(found))))
    return sorted(random.Random(seed).sample(found, count))


def check_submission(run: RunState, round_id: int, seat: int) -> None:
    """Raises UsageError where there is nothing to recompute, and says why."""
    record = run.rounds.get(round_id)
    if record is None:
        known = f"; there are rounds {FIRST_ROUND} to {max(run.rounds)}" if run.rounds else ""
        raise UsageError(f"round {round_id} is unknown{known}")
    if record.overturned:
        raise UsageError(f"round {round_id} was overturned: it does not count, and what it was trained from is gone")
    if record.final is None:
        is_open = round_id == run.clock.round and not run.clock.closed
        raise UsageError(f"round {round_id} is not final: it {'is not over yet' if is_open else 'went void'}")
    accepted = compute_members(record.final.accepted)
    these = f"its accepted seats are {', '.join(map(str, sorted(accepted)))}"
    if seat not in record.commits:
        raise UsageError(f"seat {seat} did not commit in round {round_id}; {these}")
    if seat not in record.reveals:
        raise UsageError(f"seat {seat} did not reveal in round {round_id}, so nobody can open its work; {these}")
    if seat not in accepted:
        raise UsageError(f"seat {seat} was not accepted in round {round_id}; {these}")


class Recomputer:
    """Recomputes submissions while the states go by: `on_state` is given every height from 0 to `last_height`."""

    def __init__(
        self,
        run: RunState,
        store: BlobStore,
        trainer: LocalTrainer,
        depth: int,
        submissions: Sequence[Submission],
        report: Report,
    ) -> None:
        self._run, self._store, self._trainer, self._depth, self._report = run, store, trainer, depth, report
        self._waiting: dict[int, list[Submission]] = defaultdict(list)
        for round_id, seat in submissions:
            check_submission(run, round_id, seat)
            self._waiting[run.rounds[round_id].height].append((round_id, seat))
        self.last_height = max(self._waiting, default=0)
        self._states: dict[int, State] = {}
        self.found: list[Recomputation] = []

    def on_state(self, height: int, state: State) -> None:
        """Keeps the state for as long as a replay may begin there, and recomputes what was trained from it. Raises
        BlobError.
        """
        self._states[height] = state
        self._states.pop(height - self._depth - 1, None)
        for round_id, seat in self._waiting.pop(height, ()):
            self.found.append(self._recompute(round_id, seat))

    def _recompute(self, round_id: int, seat: int) -> Recomputation:
        bits = fetch_bits(self._run, self._store, round_id, seat)
        stages = plan_replay(self._run, round_id, seat, self._depth)

        def get_state(height: int) -> State:
            heights = {"height": height, "first": stages[0].height, "last": stages[-1].height}
            self._report("training", round=round_id, seat=seat, **heights)
            return self._states[height]

        started = time.monotonic()
        result = replay(self._trainer, seat, stages, get_state, lambda: False)
        seconds = time.monotonic() - started
        count = self._run.parameters.parameter_count
        found = Recomputation(
            round_id,
            seat,
            stages[-1].height,
            len(stages) - 1,
            self._run.compute_run_up(round_id, seat) < len(stages),
            count_agreeing(bits, result.bits, count),
            count,
            seconds,
        )
        self._report("recomputed", round=round_id, seat=seat, percent=found.percent)
        return found


def fetch_bits(run: RunState, store: BlobStore, round_id: int, seat: int) -> bytes:
    """The packed bits that a seat revealed in a round. Raises BlobError where they cannot be had."""
    digest = run.rounds[round_id].commits[seat].sealed_digest
    size = sealed_length(run.parameters.parameter_count)
    try:
        blob = store.get(digest, size, time.monotonic() + FETCH_SECONDS)
    except BlobError:
        raise BlobError(
            f"round {round_id}: the blob of seat {seat} ({digest.hex()}) is nowhere to be found; start an archive or "
            f"another seat's node"
        ) from None
    bits = open_bits(run, round_id, seat, blob)
    if bits is None:
        raise BlobError(f"round {round_id}: the blob of seat {seat} does not hold the bits that it revealed")
    return bits
