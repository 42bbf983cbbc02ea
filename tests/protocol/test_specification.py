"""The run specification: what is published is what is hashed; what strangers publish is checked."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.protocol.constants import MAX_BLOB_BYTES, PROTOCOL_VERSION
from trainer.protocol.specification import (
    Piece,
    Specification,
    SpecificationError,
    decode_specification,
    describe_pieces,
    split_pieces,
)

PIECE = Piece(hashlib.sha256(b"piece").hexdigest(), 5)
SPECIFICATION = Specification(
    version=PROTOCOL_VERSION,
    name="Zürich",
    task={"task": "char-gpt", "model": {"width": 16}},
    training={"local_steps": 8, "peak_learning_rate": 0.012},
    shards=(PIECE, replace(PIECE, size=MAX_BLOB_BYTES)),
    genesis=(PIECE,),
)


def test_what_is_published_comes_back() -> None:
    assert decode_specification(SPECIFICATION.encode()) == SPECIFICATION


def test_the_digest_is_that_of_the_published_bytes() -> None:
    assert SPECIFICATION.digest == hashlib.sha256(SPECIFICATION.encode()).digest()
    assert (
        SPECIFICATION.encode() == replace(SPECIFICATION, task=dict(reversed(list(SPECIFICATION.task.items())))).encode()
    )


def test_other_bytes_for_the_same_content_are_read_too() -> None:
    """Nobody encodes again: whoever published may order and indent as it likes."""
    loose = json.dumps(json.loads(SPECIFICATION.encode()), indent=2).encode()
    assert decode_specification(loose) == SPECIFICATION


def edited(**changes: Any) -> bytes:
    raw = json.loads(SPECIFICATION.encode())
    for path, value in changes.items():
        *folders, name = path.split("__")
        place = raw
        for folder in folders:
            place = place[int(folder)] if folder.isdigit() else place[folder]
        place[name] = value
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"\xff\xfe",
        b"{}",
        b"[" * 100_000,
        edited(version="one"),
        edited(version=None),
        edited(task=[1]),
        edited(task=None),
        edited(training=7),
        edited(shards=None),
        edited(shards={"digest": 1}),
        edited(shards=["text"]),
        edited(shards__0__digest="00"),
        edited(shards__0__digest="zz" * 32),
        edited(shards__0__digest=5),
        edited(shards__0__size=0),
        edited(shards__0__size=-1),
        edited(shards__0__size=MAX_BLOB_BYTES + 1),
        edited(shards__0__size="5"),
        edited(shards__0__size=5.0),
        edited(shards__0__size=True),
        edited(genesis__0__size=None),
        edited(version=PROTOCOL_VERSION + 1),
        edited(version=0),
        edited(version=1.9),
        edited(version=True),
        edited(version=float("inf")),
        edited(name=5),
        edited(shards__0__digest=PIECE.digest.upper()),
        edited(shards__0__digest=f" {PIECE.digest}"),
    ],
)
def test_a_bad_document_is_refused(data: bytes) -> None:
    with pytest.raises(SpecificationError):
        decode_specification(data)


@pytest.mark.parametrize("level", ["[", '["]",', '{"a":', '["\\"]",', '["\\\\",'])
def test_a_stranger_cannot_hide_how_deep_a_document_is(level: str) -> None:
    with pytest.raises(SpecificationError, match="nested deeper than"):
        decode_specification(('["' + "]" * 200_000 + '",' + level * 100_000).encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(SpecificationError):
        decode_specification(SPECIFICATION.encode().decode().encode(encoding))


def test_brackets_in_a_name_are_only_a_name() -> None:
    strange = replace(SPECIFICATION, name='["]{' * 100 + '\\"[')
    assert decode_specification(strange.encode()) == strange


def test_another_version_says_so() -> None:
    with pytest.raises(SpecificationError, match=rf"version {PROTOCOL_VERSION + 1}; this program speaks"):
        decode_specification(edited(version=PROTOCOL_VERSION + 1))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_of_a_stranger_are_more_than_refused(data: bytes) -> None:
    with pytest.raises(SpecificationError):
        decode_specification(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["digest", "size"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["version", "name", "task", "training", "shards", "genesis"]), json_values))
def test_no_document_of_a_stranger_is_more_than_refused(changes: dict[str, Any]) -> None:
    raw = json.loads(SPECIFICATION.encode()) | changes
    try:
        found = decode_specification(json.dumps(raw).encode())
    except SpecificationError:
        return
    assert all(0 < piece.size <= MAX_BLOB_BYTES and len(piece.digest) == 64 for piece in found.shards)


@pytest.mark.parametrize("size", [1, MAX_BLOB_BYTES - 1, MAX_BLOB_BYTES, MAX_BLOB_BYTES + 1, 2 * MAX_BLOB_BYTES])
def test_pieces_are_the_file_in_order(size: int) -> None:
    data = bytes(index & 255 for index in range(size % 997)).ljust(size, b"\1")
    blocks = split_pieces(data)
    assert b"".join(blocks) == data
    assert all(0 < len(block) <= MAX_BLOB_BYTES for block in blocks)
    assert describe_pieces(blocks) == tuple(Piece(hashlib.sha256(block).hexdigest(), len(block)) for block in blocks)


@pytest.mark.parametrize("data", [b"[" * 1_000_000, b'{"a":' * 100_000])
def test_a_deep_document_is_refused_where_a_package_raised_the_recursion_limit(data: bytes) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000_000)  # py_ecc does; the parser would overflow the stack and end the process
    try:
        with pytest.raises(SpecificationError, match="nested deeper"):
            decode_specification(data)
    finally:
        sys.setrecursionlimit(limit)
