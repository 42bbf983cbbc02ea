"""A run's documents on IPFS: specification, data shards, genesis state. Published by who deploys, fetched and checked
by everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainer.blobs.store import BlobStore
from trainer.errors import UsageError
from trainer.learn.checkpoint import encode_state, parse_state
from trainer.protocol.checks import CheckRules
from trainer.protocol.constants import CHUNK, PROTOCOL_VERSION
from trainer.protocol.judgement import State
from trainer.protocol.specification import (
    Piece,
    Specification,
    SpecificationError,
    decode_specification,
    describe_pieces,
    split_pieces,
)
from trainer.protocol.tree import compute_state_root
from trainer.protocol.types import Parameters

PIECE_SECONDS = 60  # to fetch one piece of at most 1 MiB

Clock = Callable[[], float]


@dataclass(frozen=True)
class Library:
    """A run's documents, checked against the contract. `rules`: of its cross-checks. `genesis`: int32[Ppad]."""

    specification: Specification
    rules: CheckRules
    shards: Sequence[bytes]
    genesis: State


def publish(
    store: BlobStore,
    name: str,
    task: dict[str, object],
    training: dict[str, object],
    shards: Sequence[bytes],
    genesis: State,
) -> Specification:
    """Puts shards, genesis and specification on IPFS, pinned. Returns the specification, whose digest goes into the
    contract.
    """
    pieces = split_pieces(encode_state(genesis))
    for block in [*shards, *pieces]:
        store.put(block)
    specification = Specification(
        PROTOCOL_VERSION, name, task, training, describe_pieces(shards), describe_pieces(pieces)
    )
    store.put(specification.encode())
    return specification


def load_library(store: BlobStore, parameters: Parameters, clock: Clock, *, with_shards: bool = True) -> Library:
    """Fetches a run's documents and checks every digest and the genesis root. `clock`: monotonic seconds.

    Raises BlobError while a piece cannot be had (try again later), UsageError for documents that do not belong to the
    contract.
    """
    data = store.get(parameters.spec_digest, None, clock() + PIECE_SECONDS)
    try:
        specification = decode_specification(data)
        rules = CheckRules.from_config(specification.training)
    except (SpecificationError, ValueError) as error:
        raise UsageError(str(error)) from error
    state = parse_state(b"".join(_fetch(store, specification.genesis, clock)))
    if (
        len(state) != -(-parameters.parameter_count // CHUNK) * CHUNK
        or compute_state_root(state) != parameters.genesis_root
    ):
        raise UsageError("the genesis state on IPFS is not the one whose root the contract holds")
    return Library(specification, rules, _fetch(store, specification.shards, clock) if with_shards else (), state)


def _fetch(store: BlobStore, pieces: Sequence[Piece], clock: Clock) -> list[bytes]:
    return [store.get(bytes.fromhex(piece.digest), piece.size, clock() + PIECE_SECONDS) for piece in pieces]
