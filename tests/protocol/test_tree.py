"""Chunk trees: a path proves one chunk at one place, and nothing else."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.protocol import tree
from trainer.protocol.constants import CHUNK

leaf_lists = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=21)


@given(leaves=leaf_lists, data=st.data())
def test_every_path_leads_to_the_root_and_only_from_its_own_place(leaves: list[bytes], data: st.DataObject) -> None:
    depth = tree.compute_depth(len(leaves))
    root = tree.compute_root(leaves, depth)
    padded = leaves + [tree.MISSING_LEAF] * ((1 << depth) - len(leaves))
    index = data.draw(st.integers(0, len(padded) - 1))
    path = tree.compute_path(leaves, depth, index)
    assert len(path) == depth
    assert tree.compute_root_from_path(padded[index], index, path) == root
    for other in range(1 << depth):
        right = tree.compute_root_from_path(padded[index], other, path) == root
        assert right == (other == index or _is_symmetric(padded, index, other))


def _is_symmetric(leaves: list[bytes], a: int, b: int) -> bool:
    """Whether a path for a also fits b: at every level where they differ the node and its sibling are equal."""
    level, nodes = 0, leaves
    while len(nodes) > 1:
        if (a >> level ^ b >> level) & 1 and nodes[a >> level] != nodes[(a >> level) ^ 1]:
            return False
        nodes = [sha256(b"\x02" + nodes[i] + nodes[i + 1]).digest() for i in range(0, len(nodes), 2)]
        level += 1
    return True


@given(leaves=leaf_lists)
def test_missing_leaves_are_zero_words(leaves: list[bytes]) -> None:
    depth = tree.compute_depth(len(leaves))
    padded = leaves + [bytes(32)] * ((1 << depth) - len(leaves))
    assert tree.compute_root(leaves, depth) == tree.compute_root(padded, depth)
    assert tree.compute_root(leaves, depth + 2) == tree.compute_root(padded + [bytes(32)] * (3 << depth), depth + 2)


@given(leaves=leaf_lists, index=st.integers(0, 1 << 40))
def test_an_index_beyond_the_tree_is_refused(leaves: list[bytes], index: int) -> None:
    """Else one chunk could be shown, and challenged, under many indices."""
    depth = tree.compute_depth(len(leaves))
    beyond = (1 << depth) + index
    with pytest.raises(ValueError, match="not in a tree"):
        tree.compute_root_from_path(leaves[0], beyond, [bytes(32)] * depth)
    with pytest.raises(ValueError, match="not in a tree"):
        tree.compute_path(leaves, depth, beyond)
    with pytest.raises(ValueError, match="not in a tree"):
        tree.compute_root_from_path(leaves[0], -1, [bytes(32)] * depth)


@given(state=st.integers(1, 5), where=st.integers(0, 5 * CHUNK - 1), change=st.integers(1, 2**32 - 1))
def test_every_parameter_counts(state: int, where: int, change: int) -> None:
    values = np.arange(state * CHUNK, dtype=np.int32)
    changed = values.copy()
    changed.view(np.uint32)[where % len(values)] ^= np.uint32(change)
    assert tree.compute_state_root(values) != tree.compute_state_root(changed)


@given(chunks=st.integers(1, 5), where=st.integers(0, 5 * CHUNK - 1))
def test_every_bit_counts(chunks: int, where: int) -> None:
    bits = bytearray(128 * chunks)
    root = tree.compute_gradient_root(bytes(bits))
    bits[where // 8 % len(bits)] ^= 1 << where % 8
    assert tree.compute_gradient_root(bytes(bits)) != root


def test_a_leaf_binds_its_index_and_its_kind() -> None:
    assert tree.gradient_leaf(0, bytes(128)) != tree.gradient_leaf(1, bytes(128))
    assert tree.state_leaf(0, bytes(4096)) != tree.state_leaf(1, bytes(4096))
    assert tree.gradient_leaf(0, bytes(128)) == sha256(b"\x00" + bytes(4) + bytes(128)).digest()
    assert tree.state_leaf(258, bytes(4096)) == sha256(b"\x01\x00\x00\x01\x02" + bytes(4096)).digest()


def test_a_state_is_hashed_little_endian_on_every_machine_and_in_every_layout() -> None:
    state = np.arange(-CHUNK, CHUNK, dtype=np.int32)
    root = tree.compute_state_root(state)
    assert tree.compute_state_root(np.repeat(state, 2)[::2]) == root
    first = sha256(
        b"\x01" + bytes(4) + b"".join(i.to_bytes(4, "little", signed=True) for i in range(-CHUNK, 0))
    ).digest()
    assert tree.compute_state_leaves(state)[0] == first


@pytest.mark.parametrize(
    ("chunks", "depth"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (111, 7), (9_766, 14), (16_384, 14), (16_385, 15)]
)
def test_depth(chunks: int, depth: int) -> None:
    assert tree.compute_depth(chunks) == depth


def test_chunks() -> None:
    assert [tree.compute_chunks(count) for count in (1, 1_024, 1_025, 113_000)] == [1, 1, 2, 111]


def test_what_is_no_tree_is_refused() -> None:
    for broken in (
        lambda: tree.compute_depth(0),
        lambda: tree.compute_chunks(0),
        lambda: tree.compute_root([], 0),
        lambda: tree.compute_root([bytes(32)] * 3, 1),
        lambda: tree.compute_gradient_root(b""),
        lambda: tree.compute_gradient_root(bytes(127)),
        lambda: tree.gradient_leaf(0, bytes(127)),
        lambda: tree.compute_state_root(np.zeros(CHUNK, np.int64)),
        lambda: tree.compute_state_root(np.zeros((2, CHUNK), np.int32)),
        lambda: tree.compute_state_root(np.zeros(CHUNK - 1, np.int32)),
        lambda: tree.compute_state_root(np.zeros(0, np.int32)),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            broken()
