"""What a watcher does next: a pure function of the chain, its time, and what the watcher found by replaying.

Whatever several watchers would do at the same time has turns, told apart by account and round: a transaction that comes
second costs gas for nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from trainer.protocol.events import Challenged
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_chunks, compute_depth
from trainer.protocol.types import Event, Status

TURNS = 4  # of watchers, each an eighth of the answer window after the one before (their places are drawn by hash)


class Verdict(StrEnum):
    """What a replay says of a round's sum."""

    RIGHT = "right"
    WRONG = "root differs"
    HOPELESS = "accepts a seat that did not reveal"  # nobody can answer for it, whatever the root is
    UNKNOWN = "not replayed"


@dataclass(frozen=True)
class Errand:
    """A transaction that is due. `seat` of a slash, `bond` of a challenge in wei."""

    kind: str  # challenge, answer, overturn, slash, lapse
    round: int
    chunk: int
    seat: int = 0
    bond: int = 0


@dataclass(frozen=True)
class Target:
    """A round that is to be refuted. `suspects`: chunks one of which must be wrong; `since`: chain time at which that
    became known.
    """

    round: int
    height: int
    root: bytes
    suspects: range
    since: int
    claimed: int | None = None  # a chunk that is known to be wrong

    def choose(self, taken: Collection[int], salt: bytes) -> int | None:
        """The chunk to challenge: not always the same, so that nobody can prepare for it, but the same after a restart.
        None if all that are suspect have been challenged.
        """
        if self.claimed is not None and self.claimed not in taken:
            return self.claimed
        start = draw(salt, self.round, len(self.suspects))
        return next((c for c in (*self.suspects[start:], *self.suspects[:start]) if c not in taken), None)


def plan(
    run: RunState, time: int, account: str, get_verdict: Callable[[int], Verdict], target: Target | None
) -> list[Errand]:
    """All that is due at chain time `time`, the most urgent first. `account`: the watcher's ("" for one that sends
    nothing).
    """
    errands = sorted(_settle(run, time, account, get_verdict), key=lambda errand: ORDER.index(errand.kind))
    return errands + ([] if target is None else list(_refute(run, time, account, target)))


ORDER = ("answer", "overturn", "slash", "lapse")


def _settle(run: RunState, time: int, account: str, get_verdict: Callable[[int], Verdict]) -> Iterator[Errand]:
    window = run.parameters.answer_window
    for (round_id, chunk), found in run.challenges.items():
        is_mine = found.challenger == account
        age = time - found.time
        wait = 0 if is_mine else compute_turn(run, account, round_id)
        if found.status is Status.OPEN:
            if age >= 2 * window or not run.is_standing(round_id, found.height):
                if is_mine:
                    yield Errand("lapse", round_id, chunk)
            elif age >= window + wait and get_verdict(round_id) in (Verdict.WRONG, Verdict.HOPELESS):
                yield Errand("overturn", round_id, chunk)
            elif age >= wait and get_verdict(round_id) is Verdict.RIGHT:
                yield Errand("answer", round_id, chunk)
        elif found.status is Status.EXECUTED and age < window:
            # An outage is not a lie: the overturn stands, but nobody is slashed.
            if age >= wait and get_verdict(round_id) is Verdict.RIGHT:
                yield Errand("answer", round_id, chunk)
        elif found.status is Status.CANCELLED or (
            found.status is Status.EXECUTED
            and age >= window + wait
            and (is_mine or get_verdict(round_id) in (Verdict.WRONG, Verdict.HOPELESS))
        ):
            for seat in range(found.voters.bit_length()):
                if found.voters >> seat & 1:
                    yield Errand("slash", round_id, chunk, seat=seat)


def _refute(run: RunState, time: int, account: str, target: Target) -> Iterator[Errand]:
    """The next challenge of the bisection, unless somebody's challenge of the suspect part is open already."""
    final = run.finals[target.height - 1]
    if time >= final.block.time + run.parameters.challenge_window:
        return
    taken = {chunk: found for (round_id, chunk), found in run.challenges.items() if round_id == target.round}
    if any(found.status is Status.OPEN and chunk in target.suspects for chunk, found in taken.items()):
        return
    if time < target.since + compute_turn(run, account, target.round):
        return
    chunk = target.choose(taken, account.encode())
    if chunk is not None:
        yield Errand("challenge", target.round, chunk, bond=run.next_bond)


def compute_turn(run: RunState, account: str, round_id: int) -> int:
    """Seconds that this watcher leaves to others, in a matter that is nobody's own."""
    return draw(account.encode(), round_id, TURNS) * run.parameters.answer_window // (2 * TURNS)


def compute_spent(run: RunState, account: str, events: Iterable[Event]) -> int:
    """Wei of an account's bonds that are held or lost, not those that came back: what a budget counts."""
    spent = 0
    for posted in events:
        if isinstance(posted, Challenged) and posted.challenger == account:
            found = run.challenges[posted.round, posted.chunk]
            is_lost = found.status in (Status.ANSWERED, Status.CANCELLED)
            spent += posted.bond if is_lost else found.bond
    return spent


def compute_answers_needed(run: RunState) -> int:
    """How many challenges a bisection may take: one for each level of the tree, and the one that nobody answers."""
    return compute_depth(compute_chunks(run.parameters.parameter_count)) + 1


def draw(salt: bytes, round_id: int, bound: int) -> int:
    """A number below `bound`, the same for the same arguments."""
    data = salt + round_id.to_bytes(4, "big") + bound.to_bytes(4, "big")
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big") % bound


def is_base_standing(run: RunState, round_id: int, height: int) -> bool:
    """Whether the state that a final round was trained from is that of `height - 1` on the chain as it is now."""
    below = height - 1
    return below == 0 or (below <= run.height and run.finals[below - 1].round < round_id)


def has_made(run: RunState, round_id: int, height: int) -> bool:
    """Whether the round made the height and no overturn took it back; unlike `RunState.is_standing`, also where the
    contract's ring has no record of it any more.
    """
    return height <= run.height and run.finals[height - 1].round == round_id


def compute_safe_height(run: RunState, time: int) -> int:
    """The newest height that neither a challenge nor an overturn can concern any more."""
    horizon = run.parameters.horizon
    return next((final.height for final in reversed(run.finals) if final.block.time + horizon <= time), 0)
