"""Which data a seat trains on: seeds from the revealed keys, batches from the seed (docs/protocol.md, Formats: Keys and
seeds).

The seed of a round is a function of the last seed and the valid keys revealed, and of nothing else: not of the order of
arrival (whoever orders a block would choose), not of votes (the next round may be computed before the vote ends), not
of invalid keys (the last to reveal would grind it).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import numpy as np
import numpy.typing as npt

GENESIS_TAG = b"comitia.genesis-seed.v1"
SEED_TAG = b"comitia.seed.v1"
BATCH_TAG = b"comitia.batch.v1"


def compute_genesis_seed(run_domain: bytes, genesis_root: bytes) -> bytes:
    """Seed of the first round (id 2), 32 bytes, from the run domain and the state root of height 0 (32 bytes each)."""
    return sha256(GENESIS_TAG + _word(run_domain) + _word(genesis_root)).digest()


def compute_next_seed(round: int, seed: bytes, keys: Mapping[int, bytes]) -> bytes:
    """Seed of round + 1, void or not, 32 bytes.

    seed: that of `round`. keys: seat to the key it revealed in `round`, valid ones only (`keychain.is_valid_key`).
    """
    entries = (seat.to_bytes(2, "big") + _word(keys[seat]) for seat in sorted(keys))
    return sha256(SEED_TAG + round.to_bytes(4, "big") + _word(seed) + b"".join(entries)).digest()


def compute_batch(seed: bytes, seat: int, height: int, step: int, count: int, bound: int) -> npt.NDArray[np.int64]:
    """Indices of the batch of (seat, height, local step): int64[count], each in 0 .. bound - 1, with repetitions.

    seed: that of the round. bound: number of places in the run's data, below 2^63. Multiply and shift, not a remainder:
    no division, and a bias below bound / 2^64.
    """
    if not 1 <= bound < 1 << 63:
        raise ValueError(f"{bound} is no bound")
    prefix = BATCH_TAG + _word(seed) + seat.to_bytes(2, "big") + height.to_bytes(4, "big") + step.to_bytes(2, "big")
    stream = b"".join(sha256(prefix + block.to_bytes(4, "big")).digest() for block in range(-(-count // 4)))
    indices = (int.from_bytes(stream[8 * j : 8 * j + 8], "big") * bound >> 64 for j in range(count))
    return np.fromiter(indices, np.int64, count)


def _word(value: bytes) -> bytes:
    if len(value) != 32:
        raise ValueError(f"expected 32 bytes, got {len(value)}")
    return value
