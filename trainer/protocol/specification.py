"""The run specification: everything that a participant must know beside the contract's parameters. One JSON document,
one raw IPFS block, its sha2-256 in the contract.

What is hashed are the published bytes; nobody re-encodes them. Floats appear only as settings of the local work, which
is nobody's consensus.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trainer.protocol.constants import MAX_BLOB_BYTES, PROTOCOL_VERSION


class SpecificationError(Exception):
    """The document is not a run specification that this version can follow."""


@dataclass(frozen=True)
class Piece:
    """A part of a larger file on IPFS: one raw block of at most 1 MiB. `digest` is its sha2-256 in hex."""

    digest: str
    size: int


@dataclass(frozen=True)
class Specification:
    """What a run trains. `task` and `training` are the plain settings of trainer/learn; `shards` and `genesis` list
    pieces in order.
    """

    version: int
    name: str
    task: Mapping[str, Any]
    training: Mapping[str, Any]
    shards: Sequence[Piece]
    genesis: Sequence[Piece]

    def encode(self) -> bytes:
        """The bytes to publish."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> bytes:
        """sha2-256 of `encode()`."""
        return hashlib.sha256(self.encode()).digest()


def decode_specification(data: bytes) -> Specification:
    """Specification from published bytes, which may come from anybody. Raises SpecificationError."""
    try:
        raw = json.loads(data)
        pieces = {
            key: tuple(Piece(_hex32(piece["digest"]), _size(piece["size"])) for piece in raw[key])
            for key in ("shards", "genesis")
        }
        result = Specification(
            int(raw["version"]), str(raw["name"]), dict(raw["task"]), dict(raw["training"]), **pieces
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SpecificationError(f"not a run specification: {error!r}") from error
    if result.version != PROTOCOL_VERSION:
        raise SpecificationError(f"protocol version {result.version}; this program speaks {PROTOCOL_VERSION}")
    return result


def split_pieces(data: bytes) -> list[bytes]:
    """Cuts a file into blocks of at most 1 MiB."""
    return [data[start : start + MAX_BLOB_BYTES] for start in range(0, len(data), MAX_BLOB_BYTES)]


def describe_pieces(blocks: Sequence[bytes]) -> tuple[Piece, ...]:
    """The pieces' entries in a specification."""
    return tuple(Piece(hashlib.sha256(block).hexdigest(), len(block)) for block in blocks)


def _hex32(text: str) -> str:
    if len(bytes.fromhex(text)) != 32:
        raise ValueError(f"{text!r} is not a sha2-256 digest")
    return text


def _size(size: int) -> int:
    if not isinstance(size, int) or not 0 < size <= MAX_BLOB_BYTES:
        raise ValueError(f"a piece of {size!r} bytes")
    return size
