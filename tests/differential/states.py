"""Gradients and states by number, with real bits and real roots, false ones too, and the answers that they allow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256, shake_256

import numpy as np

from trainer.protocol.answers import State
from trainer.protocol.constants import CHUNK, GRADIENT_LEAF_BYTES, STATE_LEAF_BYTES
from trainer.protocol.tree import (
    compute_depth,
    compute_gradient_leaves,
    compute_path,
    compute_root,
    compute_state_leaves,
)

# What is wrong with a root that somebody votes for. From JUNK on: the root of no state at all.
RIGHT, WRONG_FIRST, WRONG_LAST, WRONG_END, STRAY, JUNK = range(6)


@cache
def make_bits(number: int, chunks: int) -> bytes:
    """Gradient number `number`."""
    return shake_256(b"bits %d" % number).digest(GRADIENT_LEAF_BYTES * chunks)


@cache
def get_gradient_leaves(number: int, chunks: int) -> list[bytes]:
    """Leaves of gradient number `number`."""
    return compute_gradient_leaves(make_bits(number, chunks))


@cache
def compute_gradient_root(number: int, chunks: int) -> bytes:
    """Root of gradient number `number`."""
    return compute_root(get_gradient_leaves(number, chunks), compute_depth(chunks))


@dataclass(frozen=True, eq=False)
class Tree:
    """A state as a root says that it is: its leaves, and what stands behind the last of them where nothing may."""

    state: State
    leaves: tuple[bytes, ...]

    @classmethod
    def of(cls, state: State, stray: bool = False) -> Tree:
        """The tree over a state; with a stray leaf, if any is missing."""
        leaves = compute_state_leaves(state)
        if stray and len(leaves) < 1 << compute_depth(len(leaves)):
            leaves.append(sha256(b"stray").digest())
        return cls(state, tuple(leaves))

    @property
    def root(self) -> bytes:
        """Its root."""
        return compute_root(self.leaves, compute_depth(len(self.leaves)))

    def get_chunk(self, chunk: int) -> bytes:
        """4,096 bytes of the state."""
        return self.state.astype("<i4").tobytes()[STATE_LEAF_BYTES * chunk : STATE_LEAF_BYTES * (chunk + 1)]

    def get_path(self, chunk: int) -> bytes:
        """Siblings of a chunk."""
        return b"".join(compute_path(self.leaves, compute_depth(len(self.leaves)), chunk))


@cache
def make_genesis(chunks: int) -> Tree:
    """A state that is calm here and at the ends of int32 there: the contract has a way for each."""
    wild = np.frombuffer(shake_256(b"genesis").digest(STATE_LEAF_BYTES * chunks), "<i4")
    calm = wild >> 8
    ends = np.where(wild > 0, (1 << 31) - 1, -(1 << 31))
    place = np.arange(CHUNK * chunks) // 8 % 5
    return Tree.of(np.where(place == 3, wild, np.where(place == 4, ends, calm)).astype(np.int32))


def bend(tree: Tree, flaw: int) -> Tree:
    """What a false root stands for, where it stands for anything."""
    state = tree.state.copy()
    if flaw == WRONG_FIRST:
        state[7] ^= 1
    elif flaw == WRONG_LAST:
        state[-3] ^= 1 << 20
    return Tree.of(state, stray=flaw == STRAY)


def compute_bent_root(tree: Tree, flaw: int) -> bytes:
    """The root of somebody's vote: the right one, or with a flaw."""
    if flaw >= JUNK:
        return sha256(b"junk %d" % flaw).digest()
    if flaw == WRONG_END:  # as far as the contract keeps it, it is the right one
        return tree.root[:26] + bytes(byte ^ 1 for byte in tree.root[26:])
    return tree.root if flaw == RIGHT else bend(tree, flaw).root
