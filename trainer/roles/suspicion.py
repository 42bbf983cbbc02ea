"""Where in a wrong state the wrong chunk is. The chain holds roots only; but whoever answers a challenge shows the
siblings of a right chunk in the wrong tree, and those that differ from one's own tree hold what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trainer.chain.answers import find_new_path
from trainer.chain.client import RunClient
from trainer.protocol.answers import find_differing_range, find_first_difference
from trainer.protocol.events import Answered
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_depth, compute_root_from_path, compute_state_leaves
from trainer.protocol.types import Event
from trainer.roles.examination import Examination
from trainer.roles.watch_plan import Target, Verdict

NODE_BYTES = 32


class Suspicion:
    """Keeps what answers have shown. claimed: height to a state that somebody else has."""

    def __init__(self, client: RunClient, claimed: Mapping[int, State]) -> None:
        self._client = client
        self._claimed = claimed
        self._paths: dict[tuple[bytes, int, int], bytes | None] = {}  # by block of the answer, round, chunk
        self._leaves: tuple[bytes, list[bytes]] = (b"", [])

    def find(self, run: RunState, wrong: Examination, events: Iterable[Event]) -> Target | None:
        """What to challenge in a round whose root is wrong; None where a challenge would be a gamble."""
        if wrong.verdict not in (Verdict.WRONG, Verdict.HOPELESS):
            return None
        final = run.rounds[wrong.round].final
        assert final is not None
        leaves = self._get_leaves(wrong)
        suspects, since = range(len(leaves)), final.block.time
        answers = [e for e in events if isinstance(e, Answered) and e.round == wrong.round]
        for answered in answers if wrong.verdict is Verdict.WRONG else []:
            since = max(since, answered.block.time)
            path = self._get_path(answered, leaves, final.state_root)
            if path is not None:
                suspects = min(suspects, find_differing_range(leaves, answered.chunk, path), key=len)
        claimed = self._claimed.get(wrong.height)
        chunk = None if claimed is None else find_first_difference(claimed, wrong.after)
        return Target(wrong.round, wrong.height, final.state_root, suspects, since, chunk)

    def _get_leaves(self, wrong: Examination) -> list[bytes]:
        key = wrong.root or wrong.round.to_bytes(4, "big")
        if self._leaves[0] != key:
            self._leaves = key, compute_state_leaves(wrong.after)
        return self._leaves[1]

    def _get_path(self, answered: Answered, leaves: list[bytes], root: bytes) -> bytes | None:
        key = (answered.block.hash, answered.round, answered.chunk)
        if key not in self._paths:

            def is_right(path: bytes) -> bool:
                """The chunk was answered for, so it is our own; the path must lead from it to their root."""
                if len(path) != NODE_BYTES * compute_depth(len(leaves)):
                    return False
                nodes = [path[start : start + NODE_BYTES] for start in range(0, len(path), NODE_BYTES)]
                return compute_root_from_path(leaves[answered.chunk], answered.chunk, nodes) == root

            self._paths[key] = find_new_path(
                self._client, answered.block.hash, answered.round, answered.chunk, is_right
            )
        return self._paths[key]
