"""The vectors of challenges and invitations worked a second time from docs/protocol.md alone, in plain integers.
Nothing of trainer.protocol is imported here, and no numpy.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import Any

import pytest

from tests.protocol.plain import keccak256
from tests.protocol.test_by_hand import move
from tests.vectors.load import load, raw

Case = dict[str, Any]


def pattern_state() -> list[int]:
    """The first chunk of the pattern, as the document tells it."""
    state = []
    for i in range(1024):
        t = i * 2654435761 % 2**32
        t = t - 2**32 if t >= 2**31 else t
        state.append(-(2**31) + i // 16 if i % 16 == 0 else 2**31 - 1 - i // 16 if i % 16 == 1 else t)
    return state


def calm_state() -> list[int]:
    """A chunk away from the ends, with single parameters at them."""
    state = []
    for i in range(1024):
        t, j = i * 2654435761 % 2**32, i // 64
        t = (t - 2**32 if t >= 2**31 else t) // 2
        if i == 64 * j + j % 8:
            t = 2**31 - 1 - 64 * j if j % 2 else -(2**31) + 64 * j
        state.append(t)
    return state


def count_down(case: Case) -> list[int]:
    """For each parameter the weight of the seats whose bit is set, bit by bit."""
    patterns, weights = [raw(bits) for bits in case["patterns"]], case["weights"]
    votes = [0] * 1024
    for seat in range(case["seats"]):
        bits, weight = patterns[seat % len(patterns)], weights[seat % len(weights)]
        for p in range(1024):
            votes[p] += weight * (bits[p // 8] >> (p % 8) & 1)
    return votes


@pytest.mark.parametrize("case", load("challenges")["sums"], ids=lambda case: case["about"])
def test_sums_and_the_chunk_that_they_lead_to(case: Case) -> None:
    votes = count_down(case)
    weights = case["weights"]
    total = sum(weights[seat % len(weights)] for seat in range(case["seats"]))
    assert case["total"] == total
    lanes = [int(word, 16) for word in case["lanes"]]
    assert len(lanes) == 64
    for p in range(1024):
        bit = 248 - 8 * (p // 8 % 32) + p % 8
        assert lanes[16 * (p // 256) + bit % 16] // 2 ** (16 * (bit // 16)) % 2**16 == votes[p]
    words = [case["seats"], total, *lanes]
    assert keccak256(b"".join(word.to_bytes(32, "big") for word in words)) == raw(case["progress"])
    for state, name in ((pattern_state(), "next"), (calm_state(), "calmNext")):
        data = struct.pack("<1024i", *(move(t, votes[p], total, case["step"]) for p, t in enumerate(state)))
        assert data == raw(case[name])
        assert sha256(b"\x01" + bytes(4) + data).digest() == raw(case[f"{name}Leaf"])


def test_the_cases_reach_the_ends() -> None:
    cases = load("challenges")["sums"]
    assert {case["total"] for case in cases} >= {1, 65_280}
    assert max(case["step"] for case in cases) == 2**17 - 1
    ends = {value for case in cases for value in struct.unpack("<1024i", raw(case["next"]))}
    assert ends >= {-(2**31), 2**31 - 1}


def test_depths() -> None:
    columns = load("challenges")["depths"]
    for chunks, depth in zip(columns["chunks"], columns["depth"], strict=True):
        assert 2**depth >= chunks
        assert depth == 0 or 2 ** (depth - 1) < chunks


@pytest.mark.parametrize("case", load("invitations")["invitations"], ids=lambda case: case["invitee"][:6])
def test_invitations_are_typed_data(case: Case) -> None:
    def word(value: str) -> bytes:
        return raw(value).rjust(32, b"\0")

    kind = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    named = keccak256(b"Comitia") + keccak256(b"1")
    domain = keccak256(kind + named + word(case["chainId"]) + word(case["contract"]))
    assert domain == raw(case["domain"])
    kind = keccak256(b"Invitation(address invitee,address key,uint64 deadline,uint256 nonce)")
    content = keccak256(kind + b"".join(word(case[key]) for key in ("invitee", "key", "deadline", "nonce")))
    assert keccak256(b"\x19\x01" + domain + content) == raw(case["digest"])
    content = keccak256(keccak256(b"Acceptance(address account)") + word(case["account"]))
    assert keccak256(b"\x19\x01" + domain + content) == raw(case["acceptance"])
