"""How one finds the chunk to challenge, where the wrong state itself is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.protocol.answers import State, find_differing_range, find_first_difference
from trainer.protocol.tree import compute_depth, compute_path, compute_state_leaves


def bend(state: State, chunk: int) -> State:
    """Makes one parameter of a chunk wrong."""
    wrong = state.copy()
    wrong[1024 * chunk + 7] += 1
    return wrong


def test_the_first_difference() -> None:
    state = np.arange(5 * 1024, dtype=np.int32)
    assert find_first_difference(state, state) is None
    for chunk in range(5):
        assert find_first_difference(state, bend(state, chunk)) == chunk


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_answers_lead_to_the_wrong_chunk(count: int) -> None:
    """Only right chunks of the wrong tree can be answered; each answer's path halves what is left, at least."""
    right = np.arange(count * 1024, dtype=np.int32)
    leaves, depth = compute_state_leaves(right), compute_depth(count)
    for wrong in range(count):
        others = compute_state_leaves(bend(right, wrong))
        for start in range(count):
            chunk, asked = start, 0
            while leaves[chunk] == others[chunk]:
                path = b"".join(compute_path(others, depth, chunk))
                found = find_differing_range(leaves, chunk, path)
                assert wrong in found
                chunk, asked = found[len(found) // 2], asked + 1
            assert chunk == wrong
            assert asked <= depth


def test_a_difference_in_the_missing_leaves_leads_to_the_last_chunk() -> None:
    leaves = compute_state_leaves(np.arange(5 * 1024, dtype=np.int32))
    path = b"".join(compute_path([*leaves, b"x" * 32], 3, 0))
    assert list(find_differing_range(leaves, 0, path)) == [4]
    with pytest.raises(ValueError, match="nothing differs"):
        find_differing_range(leaves, 0, b"".join(compute_path(leaves, 3, 0)))
    with pytest.raises(ValueError, match="96 bytes"):
        find_differing_range(leaves, 0, bytes(64))
