"""Every vector worked a second time from docs/protocol.md alone: plain Python integers and bytes, rational numbers
where the reference shifts, recursion where it loops. Nothing of trainer.protocol is imported here, and no numpy.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from hashlib import sha256
from hmac import digest as hmac_digest
from math import floor
from typing import Any

import pytest

from tests.protocol import plain
from tests.protocol.plain import chacha20_poly1305, hkdf, keccak256
from tests.vectors.load import load, raw

Case = dict[str, Any]


# --- arithmetic


def move(t: int, votes: int, total: int, step: int) -> int:
    """The step as one would explain it: the share of "down" votes from -1 to 1, three times amplified and capped, times
    the step, rounded half up; the parameter is then cut to int32.
    """
    share = Fraction(floor(Fraction(votes * 2**15, total)) - 2**14, 2**14)
    pull = max(Fraction(-1), min(Fraction(1), 3 * share))
    moved = t - floor(pull * step + Fraction(1, 2))
    return max(-(2**31), min(2**31 - 1, moved))


def test_parameters() -> None:
    columns = load("step")["parameters"]
    rows = list(zip(*(columns[key] for key in ("t", "votes", "total", "step", "next")), strict=True))
    assert len(rows) > 300
    for t, votes, total, step, following in rows:
        assert move(t, votes, total, step) == following, (t, votes, total, step)


def test_schedule() -> None:
    columns = load("step")["schedule"]
    keys = ("peak", "warmup", "decay", "total", "height", "step")
    for peak, warmup, decay, total, height, step in zip(*(columns[key] for key in keys), strict=True):
        shape = min(Fraction(1), Fraction(height + 1, warmup), Fraction(total - height, decay))
        assert floor(peak * shape) == step, (peak, warmup, decay, total, height)


@pytest.mark.parametrize("case", load("step")["chunks"], ids=lambda c: f"{c['chunks']}-{len(c['weights'])}-{c['step']}")
def test_whole_chunks(case: Case) -> None:
    state, gradients = integers(raw(case["state"])), [int.from_bytes(raw(g), "little") for g in case["gradients"]]
    assert len(state) == 1024 * case["chunks"]
    following = [
        move(
            t,
            sum(w for g, w in zip(gradients, case["weights"], strict=True) if g >> i & 1),
            sum(case["weights"]),
            case["step"],
        )
        for i, t in enumerate(state)
    ]
    assert following == integers(raw(case["next"]))
    assert state_root(following) == raw(case["nextRoot"])
    assert state_root(state) == raw(case["root"])
    assert [gradient_root(raw(g)) for g in case["gradients"]] == [raw(root) for root in case["gradientRoots"]]


def integers(data: bytes) -> list[int]:
    """int32, little-endian, by hand: the top bit counts -2^31."""
    words = (data[i] + 256 * data[i + 1] + 65_536 * data[i + 2] + 2**24 * data[i + 3] for i in range(0, len(data), 4))
    return [w - 2**32 if w >= 2**31 else w for w in words]


# --- trees


def root(leaves: list[bytes], low: int, size: int) -> bytes:
    """Root over the leaves low .. low + size - 1, from the top down."""
    if size == 1:
        return leaves[low] if low < len(leaves) else b"\0" * 32
    return sha256(b"\x02" + root(leaves, low, size // 2) + root(leaves, low + size // 2, size // 2)).digest()


def whole_root(leaves: list[bytes]) -> bytes:
    size = 1
    while size < len(leaves):
        size *= 2
    return root(leaves, 0, size)


def gradient_root(bits: bytes) -> bytes:
    chunks = [bits[i : i + 128] for i in range(0, len(bits), 128)]
    return whole_root([sha256(b"\x00" + struct.pack(">I", i) + chunk).digest() for i, chunk in enumerate(chunks)])


def state_root(state: list[int]) -> bytes:
    chunks = [struct.pack("<1024i", *state[i : i + 1024]) for i in range(0, len(state), 1024)]
    return whole_root([sha256(b"\x01" + struct.pack(">I", i) + chunk).digest() for i, chunk in enumerate(chunks)])


@pytest.mark.parametrize("kind", ["gradients", "states"])
def test_trees(kind: str) -> None:
    cases = load("trees")[kind]
    assert [case["chunks"] for case in cases] == [1, 2, 3, 5]
    for case in cases:
        expected = gradient_root(raw(case["bits"])) if kind == "gradients" else state_root(integers(raw(case["state"])))
        assert expected == raw(case["root"])
        leaves = [raw(leaf) for leaf in case["leaves"]]
        for index, path in enumerate(case["paths"]):
            for level, sibling in enumerate(path):
                start = ((index >> level) ^ 1) << level
                assert raw(sibling) == root(leaves, start, 1 << level)


# --- messages


def word(value: int | str) -> bytes:
    """One word of abi.encode: numbers and addresses are right-aligned."""
    return (int(value, 16) if isinstance(value, str) else value).to_bytes(32, "big")


def domain(tag: bytes, case: Case) -> bytes:
    return keccak256(keccak256(tag) + word(case["chainId"]) + word(case["contract"]))


def test_the_plain_keccak_is_keccak() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_messages() -> None:
    document = load("messages")
    for case in document["domains"]:
        assert domain(b"comitia.run.v1", case) == raw(case["run"])
        assert domain(b"comitia.commitment.v1", case) == raw(case["commitment"])
        assert domain(b"comitia.outcome.v1", case) == raw(case["outcome"])
    for case in document["commitments"]:
        words = word(case["round"]) + word(case["seat"]) + word(case["sender"]) + raw(case["gradientRoot"])
        assert keccak256(domain(b"comitia.commitment.v1", case) + words) == raw(case["commitment"])
    for case in document["outcomes"]:
        words = word(case["round"]) + word(case["accepted"]) + word(case["checked"]) + raw(case["newStateRoot"])
        assert keccak256(domain(b"comitia.outcome.v1", case) + words) == raw(case["outcome"])


# --- gradients and seals


def test_packing() -> None:
    for case in load("gradient")["packed"]:
        total = 0
        for i, (moved, down) in enumerate(zip(case["moved"], case["down"], strict=True)):
            total += (down if moved else (i + case["height"]) % 2) << i
        assert total == int.from_bytes(raw(case["bits"]), "little")
        assert len(raw(case["bits"])) == 128 * -(-case["parameters"] // 1024)


def test_headers() -> None:
    for case in load("gradient")["headers"]:
        data = raw(case["header"])
        assert data[:6] == b"CMT1\x00\x01"
        numbers = [int.from_bytes(data[a:b], "big") for a, b in ((6, 8), (8, 12), (12, 16), (16, 24), (32, 36))]
        assert numbers == [case["seat"], case["round"], case["height"], case["parameters"], case["loss"]]
        assert data[24:32] == raw(case["profile"])
        assert data[36:64] == bytes(28)
        assert data[64:] == raw(case["sample"])
        assert len(data) == 576


def test_the_plain_cipher_is_that_of_rfc_8439() -> None:
    block = plain.chacha20_block(bytes(range(32)), 1, bytes.fromhex("000000090000004a00000000"))
    assert block.hex().startswith("10f1e7e4d13b5915500fdd1fa32071c4")
    assert block.hex().endswith("b5129cd1de164eb9cbd083e8a2503c4e")


def test_seals() -> None:
    for case in load("sealing")["seals"]:
        key, plaintext = raw(case["key"]), raw(case["plaintext"])
        siv = hmac_digest(key, plaintext, "sha256")
        info = b"comitia.seal.v1" + raw(case["runDomain"]) + struct.pack(">IH", case["round"], case["seat"]) + siv
        blob = siv + chacha20_poly1305(hkdf(key, raw(case["salt"]), info), bytes(12), plaintext)
        assert blob == raw(case["blob"])
        assert len(blob) == len(plaintext) + 48
        assert sha256(blob).digest() == raw(case["sealedDigest"])
    for case in load("sealing")["lengths"]:
        assert case["bytes"] == 32 + 576 + 128 * -(-case["parameters"] // 1024) + 16


# --- keys, seeds, batches


def hashed(value: bytes, times: int) -> bytes:
    return hashed(sha256(value).digest(), times - 1) if times else value


def test_keys() -> None:
    document = load("keys")
    for case in document["secrets"]:
        info = (
            b"comitia.keychain.v1"
            + word(case["chainId"])[24:]
            + raw(case["contract"])
            + struct.pack(">I", case["index"])
        )
        assert hkdf(raw(case["privateKey"]), b"", info) == raw(case["secret"])
    for case in document["chains"]:
        expected = [hashed(raw(case["secret"]), case["length"] - n) for n in range(case["length"] + 1)]
        assert expected == [raw(key) for key in case["keys"]]
    values, secret = [raw(document["whole"]["secret"])], document["whole"]
    for _ in range(secret["length"]):
        values.append(sha256(values[-1]).digest())
    values.reverse()  # now values[n] is key n
    assert values[0] == raw(secret["tip"])
    for case in secret["rounds"]:
        assert values[case["round"] - case["announced"] - 1] == raw(case["key"])


def test_seeds() -> None:
    document = load("assignment")
    genesis = document["genesis"]
    first = sha256(b"comitia.genesis-seed.v1" + raw(genesis["runDomain"]) + raw(genesis["genesisRoot"])).digest()
    assert first == raw(genesis["seed"])
    for case in document["seeds"]:
        data = b"comitia.seed.v1" + struct.pack(">I", case["round"]) + raw(case["seed"])
        for seat, key in sorted(zip(case["seats"], case["keys"], strict=True)):
            data += struct.pack(">H", seat) + raw(key)
        assert sha256(data).digest() == raw(case["next"])


def test_batches() -> None:
    for case in load("assignment")["batches"]:
        for j, index in enumerate(case["batch"]):
            where = struct.pack(">HIHI", case["seat"], case["height"], case["step"], j // 4)
            block = struct.unpack(">4Q", sha256(b"comitia.batch.v1" + raw(case["seed"]) + where).digest())
            assert floor(Fraction(block[j % 4], 2**64) * int(case["bound"], 16)) == int(index, 16)


# --- the accepted set


def lower_median(values: list[int], weights: list[int]) -> int:
    fits = [x for x in values if 2 * sum(w for v, w in zip(values, weights, strict=True) if v <= x) >= sum(weights)]
    return min(fits)


def test_availability() -> None:
    for case in load("acceptance")["availability"]:
        total, available = sum(case["weights"]), 0
        for seat in range(256):
            holders = [w for h, w in zip(case["haves"], case["weights"], strict=True) if int(h, 16) & (1 << seat)]
            available += (1 << seat) if Fraction(sum(holders), total) > Fraction(1, 2) else 0
        assert available == int(case["available"], 16)
    for case in load("acceptance")["votable"]:
        assert case["votable"] == (Fraction(case["accepted"], case["base"]) > Fraction(1, 2))


@pytest.mark.parametrize("case", load("acceptance")["gate"], ids=lambda case: case["about"])
def test_gate(case: Case) -> None:
    count, weights, n = case["parameters"], case["weights"], len(case["seats"])
    signs = [[1 - 2 * (raw(b)[i // 8] >> i % 8 & 1) for i in range(count)] for b in case["bits"]]
    table = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in signs] for a in signs]
    for i in range(n):
        table[i][i] = max([table[i][j] for j in range(n) if j != i] or [count])
    scores = [lower_median(row, weights) for row in table]
    median = lower_median(scores, weights)
    assert scores == case["scores"]
    assert median == case["median"]
    passed = [
        s for s, score in zip(case["seats"], scores, strict=True) if score > 0 and Fraction(score) > Fraction(median, 2)
    ]
    assert sum(1 << seat for seat in passed) == int(case["accepted"], 16)
