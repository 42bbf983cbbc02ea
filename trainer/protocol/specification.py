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
from typing import Any, TypeVar

from trainer.protocol.constants import MAX_BLOB_BYTES, PROTOCOL_VERSION

_T = TypeVar("_T")

MAX_NESTING = 64  # of brackets in a document; ours has 4


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
        text = data.decode()  # UTF-8 and nothing else: the parser would guess
        _check_nesting(text)
        raw = json.loads(text)
        pieces = {
            key: tuple(Piece(_hex32(piece["digest"]), _size(piece["size"])) for piece in raw[key])
            for key in ("shards", "genesis")
        }
        result = Specification(
            _of(int, raw["version"]),
            _of(str, raw["name"]),
            _of(dict, raw["task"]),
            _of(dict, raw["training"]),
            **pieces,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SpecificationError(f"not a run specification: {error!r:.200}") from error
    if result.version != PROTOCOL_VERSION:
        raise SpecificationError(f"protocol version {result.version}; this program speaks {PROTOCOL_VERSION}")
    return result


def _check_nesting(text: str) -> None:
    """Bounds the depth before the parser, which recurses: a package that raises the recursion limit (py_ecc does) would
    let a stranger's document overflow the stack and end the process. What stands inside strings does not count, or
    closing brackets there would hide opening ones.
    """
    depth, in_string, is_escaped = 0, False, False
    for letter in text:
        if in_string:
            in_string = is_escaped or letter != '"'
            is_escaped = letter == "\\" and not is_escaped
        elif letter == '"':
            in_string = True
        elif letter in "[{":
            depth += 1
            if depth > MAX_NESTING:
                raise ValueError(f"nested deeper than {MAX_NESTING}")
        elif letter in "]}":
            depth -= 1


def split_pieces(data: bytes) -> list[bytes]:
    """Cuts a file into blocks of at most 1 MiB."""
    return [data[start : start + MAX_BLOB_BYTES] for start in range(0, len(data), MAX_BLOB_BYTES)]


def describe_pieces(blocks: Sequence[bytes]) -> tuple[Piece, ...]:
    """The pieces' entries in a specification."""
    return tuple(Piece(hashlib.sha256(block).hexdigest(), len(block)) for block in blocks)


def _of(kind: type[_T], value: object) -> _T:
    if type(value) is not kind:  # True is an int, and 1.9 becomes one: nothing is converted
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value


def _hex32(value: object) -> str:
    text = _of(str, value)
    if bytes.fromhex(text).hex() != text or len(text) != 64:  # fromhex takes capitals and spaces too
        raise ValueError(f"{text!r} is not a sha2-256 digest")
    return text


def _size(value: object) -> int:
    size = _of(int, value)
    if not 0 < size <= MAX_BLOB_BYTES:
        raise ValueError(f"a piece of {size!r} bytes")
    return size
