"""Participants that break the rules: each changes one method, or one function, of an honest one."""

from __future__ import annotations

from collections.abc import Mapping

from trainer.protocol.constants import CHUNK
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_state_root
from trainer.roles.assembly import compute_next_state
from trainer.roles.follower import Follower
from trainer.roles.worker import Parts


class Cartel:
    """Voters who agree on a state that is wrong at one height: one parameter of chunk `chunk`, or all of it (None).
    `alter` makes a worker a member; `lies` are the states that they voted for.
    """

    def __init__(self, height: int, chunk: int | None) -> None:
        self.height = height
        self.chunk = chunk
        self.is_honest_again = False  # after an overturn: they would lie at that height for ever
        self.lies: list[State] = []

    def alter(self, parts: Parts) -> None:
        """Changes what the worker takes for the next state."""
        parts.follower = Follower(parts.genesis, 0, parts.follower.rules, self._lie)

    def _lie(self, run: RunState, round_id: int, before: State, bits: Mapping[int, bytes]) -> tuple[State, bytes]:
        after, root = compute_next_state(run, round_id, before, bits)
        if run.rounds[round_id].height + 1 != self.height or self.is_honest_again:
            return after, root
        after = after.copy()
        if self.chunk is None:
            after ^= 1
        else:
            after[self.chunk * CHUNK + 5] ^= 1
        self.lies.append(after)
        return after, compute_state_root(after)
