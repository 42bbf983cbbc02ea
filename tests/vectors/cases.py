"""Builds the test vectors from the Python reference: one document for each file tests/vectors/NAME.json.

Bytes are hex with 0x; vectors of integers are flat arrays; whatever may exceed 2^53 is a 32-byte word in hex, so that
JavaScript and Solidity read the same numbers. Nothing here is random: streams of bytes come from sha2-256 of a label.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np

from trainer.protocol import acceptance, assignment, checks, gradient, keychain, messages, sealing, step, sums, tree
from trainer.protocol.constants import CHUNK, KEYCHAIN_LENGTH, STEP_LIMIT

Document = dict[str, Any]

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
CONTRACT = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
OTHER = "0xffffffffffffffffffffffffffffffffffffffff"
CALM = (
    "calm: parameter i is (i * 2654435761 mod 2^32, read as int32) >> 1, but where i = 64 * j + j % 8 for some j it is "
    "MIN + 64 * j if j is even, MAX - 64 * j if it is odd"
)
PATTERN = (
    "parameter i of a pattern state: i % 16 == 0: MIN + i / 16; i % 16 == 1: MAX - i / 16; "
    "else i * 2654435761 mod 2^32, read as int32; little-endian"
)


def text(value: bytes) -> str:
    return "0x" + value.hex()


def word(value: int) -> str:
    return text(value.to_bytes(32, "big"))


def stream(label: str, length: int) -> bytes:
    """`length` bytes that look random: sha256(label, counter) in a row."""
    blocks = (sha256(f"{label} {i}".encode()).digest() for i in range(-(-length // 32)))
    return b"".join(blocks)[:length]


def pattern_state(chunks: int) -> np.ndarray:
    """A state with both ends of int32 in it, by a formula that Solidity can repeat (PATTERN): int32[1024 * chunks]."""
    i = np.arange(chunks * CHUNK, dtype=np.int64)
    t = (i * 2654435761 & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    t[0::16] = INT32_MIN + i[: len(t[0::16])]
    t[1::16] = INT32_MAX - i[: len(t[1::16])]
    return t


def calm_state() -> np.ndarray:
    """One chunk away from the ends of int32, where a fast path may be taken, with single parameters at them (CALM)."""
    i = np.arange(CHUNK, dtype=np.int64)
    t = (i * 2654435761 & 0xFFFFFFFF).astype(np.uint32).view(np.int32) >> 1
    for k in range(0, CHUNK, 64):
        t[k + k // 64 % 8] = INT32_MAX - k if k % 128 else INT32_MIN + k
    return t


def state_hex(state: np.ndarray) -> str:
    return text(state.astype("<i4").tobytes())


def build_messages() -> Document:
    runs = [(31337, CONTRACT), (1, OTHER), (2**64 - 1, "0x" + "00" * 19 + "01")]
    domains, commitments, outcomes = [], [], []
    for chain_id, contract in runs:
        of_run = messages.Domains.of(chain_id, contract)
        run = {"chainId": word(chain_id), "contract": contract}
        domains.append(
            run | {"run": text(of_run.run), "commitment": text(of_run.commitment), "outcome": text(of_run.outcome)}
        )
        for round_id, seat, sender in [(2, 0, OTHER), (3, 255, CONTRACT), (2**32 - 1, 7, "0x" + "00" * 20)]:
            root = stream(f"gradient root {round_id}", 32)
            value = messages.compute_commitment(of_run, round_id, seat, sender, root)
            case = {"round": round_id, "seat": seat, "sender": sender, "gradientRoot": text(root)}
            commitments.append(run | {"domain": text(of_run.commitment)} | case | {"commitment": text(value)})
        for round_id, accepted, checked in [(2, 1, 0), (3, 0b1011, 0b10), (2**32 - 1, 2**256 - 1, 2**255)]:
            root = stream(f"state root {round_id}", 32)
            value = messages.compute_outcome(of_run, round_id, accepted, checked, root)
            case = {"round": round_id, "accepted": word(accepted), "checked": word(checked), "newStateRoot": text(root)}
            outcomes.append(run | {"domain": text(of_run.outcome)} | case | {"outcome": text(value)})
    return {"domains": domains, "commitments": commitments, "outcomes": outcomes}


def build_trees() -> Document:
    gradients, states = [], []
    for chunks in (1, 2, 3, 5):
        bits, state = stream(f"bits of {chunks} chunks", 128 * chunks), pattern_state(chunks)
        gradient_tree = _tree(tree.compute_gradient_leaves(bits), chunks)
        state_tree = _tree(tree.compute_state_leaves(state), chunks)
        assert gradient_tree["root"] == text(tree.compute_gradient_root(bits))
        assert state_tree["root"] == text(tree.compute_state_root(state))
        gradients.append({"chunks": chunks, "bits": text(bits)} | gradient_tree)
        states.append({"chunks": chunks, "state": state_hex(state)} | state_tree)
    about = (
        "paths: for each of 2^depth leaves, missing ones included, the siblings from the leaf's level up. " + PATTERN
    )
    return {"about": about, "gradients": gradients, "states": states}


def _tree(leaves: list[bytes], chunks: int) -> Document:
    depth = tree.compute_depth(chunks)
    paths = [[text(node) for node in tree.compute_path(leaves, depth, index)] for index in range(1 << depth)]
    root = text(tree.compute_root(leaves, depth))
    return {"depth": depth, "root": root, "leaves": [text(leaf) for leaf in leaves], "paths": paths}


def build_step() -> Document:
    return {
        "about": "parameters and schedule: case k is the k-th entry of every array. chunks: " + PATTERN,
        "parameters": _parameter_cases(),
        "schedule": _schedule_cases(),
        "chunks": [
            _chunk_case(1, [1], 1),
            _chunk_case(1, [255], STEP_LIMIT - 1),
            _chunk_case(1, [1, 1, 1], 70_000),
            _chunk_case(1, [3, 200, 17, 1, 255], 0),
            _chunk_case(3, [3, 200, 17, 1, 255], 9_001),
            _chunk_case(1, [255] * 256, STEP_LIMIT - 1),
        ],
    }


def _parameter_cases() -> Document:
    ends = [INT32_MIN, INT32_MIN + 1, INT32_MIN + 65_535, -1, 0, 1, 12_345_678, INT32_MAX - 65_535, INT32_MAX - 1]
    ends.append(INT32_MAX)
    votes = [(0, 1), (1, 1), (0, 65_280), (65_280, 65_280)]  # unanimous: d = -step or step
    contested = [(32_640, 65_280), (32_639, 65_280), (32_641, 65_280), (1, 2), (127, 255), (128, 255), (3, 7)]
    corners = [(43_520, 65_280), (43_519, 65_280), (21_760, 65_280), (21_761, 65_280), (1, 3), (2, 3)]  # two thirds
    small = [(1, 65_280), (65_279, 65_280)]
    rows = [(t, c, total, size) for c, total in votes for size in (0, 1, STEP_LIMIT - 1) for t in ends]
    for c, total in votes + contested + corners + small:
        for size in (0, 1, 3, 9_001, 70_000, STEP_LIMIT - 1):
            rows += [(ends[(len(rows) + k) % len(ends)], c, total, size) for k in (0, 5)]
    columns = dict(
        zip(("t", "votes", "total", "step"), (list(column) for column in zip(*rows, strict=True)), strict=True)
    )
    columns["next"] = [
        int(step.move(np.array([t], np.int64), np.array([c], np.int64), total, size)[0]) for t, c, total, size in rows
    ]
    return columns


def _schedule_cases() -> Document:
    plans = [(131_071, 1, 1, 2), (70_000, 10, 40, 100), (7, 10, 30, 40), (1, 3, 5, 8), (131_071, 2**20, 2**20, 2**21)]
    rows = []
    for peak, warmup, decay, total in plans:
        corners = {0, 1, warmup - 2, warmup - 1, warmup, total - decay - 1, total - decay, total - decay + 1, total - 2}
        for height in sorted({height for height in corners | {total - 1} if 0 <= height < total}):
            size = step.Schedule(peak, warmup, decay, total).compute_step(height)
            rows.append((peak, warmup, decay, total, height, size))
    names = ("peak", "warmup", "decay", "total", "height", "step")
    return dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))


def _chunk_case(chunks: int, weights: list[int], size: int) -> Document:
    state = pattern_state(chunks)
    gradients = [stream(f"bits of seat {seat} of {len(weights)}", 128 * chunks) for seat in range(len(weights))]
    following = step.apply_step(state, list(zip(gradients, weights, strict=True)), size)
    return {
        "chunks": chunks,
        "state": state_hex(state),
        "gradients": [text(bits) for bits in gradients],
        "weights": weights,
        "step": size,
        "next": state_hex(following),
        "gradientRoots": [text(tree.compute_gradient_root(bits)) for bits in gradients],
        "leaves": [text(leaf) for leaf in tree.compute_state_leaves(state)],
        "nextLeaves": [text(leaf) for leaf in tree.compute_state_leaves(following)],
        "root": text(tree.compute_state_root(state)),
        "nextRoot": text(tree.compute_state_root(following)),
    }


def build_challenges() -> Document:
    """What a challenge recomputes: sums in lanes, the chunk that they lead to, the depth of a tree."""
    counts = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 127, 128, 129, 1_024, 8_187, 8_188, 2**16 - 1, 2**16, 2**22]
    ends = STEP_LIMIT - 1
    plans = [
        ("one seat of weight 1", [1], 1, ends),
        ("one seat of weight 1, no step", [1], 1, 0),
        ("one seat of weight 255", [255], 1, 1),
        ("three seats, uneven", [1, 77, 255], 3, 9_001),
        ("256 seats of weight 255", [255, 255, 255, 255], 256, ends),
        ("256 seats of weight 255, smallest step", [255, 255, 255, 255], 256, 1),
        ("256 seats of weight 1", [1, 1, 1, 1], 256, 70_000),
        ("all down", [255], 256, ends),
        ("all up", [255], 256, ends),
    ]
    return {
        "about": "seat k of a case has the bits patterns[k % n] and the weight weights[k % n]; the chunk has index 0. "
        "lanes and progress: after the last seat, who has id seats - 1. "
        "next: of the pattern; calmNext: of a calm chunk. " + PATTERN + ". " + CALM,
        "sums": [_sum_case(*plan) for plan in plans],
        "depths": {"chunks": counts, "depth": [tree.compute_depth(count) for count in counts]},
    }


def _sum_case(about: str, weights: list[int], seats: int, size: int) -> Document:
    patterns = [stream(f"bits {k} of {about}", 128) for k in range(len(weights))]
    if about in ("all down", "all up"):
        patterns = [(b"\xff" if about == "all down" else b"\x00") * 128]
    total = sums.Sum()
    for seat in range(seats):
        total = total.add(seat, weights[seat % len(weights)], patterns[seat % len(weights)])
    after, calm = (
        sums.step_chunk(state.astype("<i4").tobytes(), total.lanes, total.weight, size)
        for state in (pattern_state(1), calm_state())
    )
    return {
        "about": about,
        "patterns": [text(bits) for bits in patterns],
        "weights": weights,
        "seats": seats,
        "total": total.weight,
        "lanes": [word(lane) for lane in total.lanes],
        "progress": text(sums.compute_progress(total)),
        "step": size,
        "next": text(after),
        "nextLeaf": text(tree.state_leaf(0, after)),
        "calmNext": text(calm),
        "calmNextLeaf": text(tree.state_leaf(0, calm)),
    }


def build_invitations() -> Document:
    cases = []
    zero = "0x" + "00" * 20
    for chain_id, contract in [(31337, CONTRACT), (2**64 - 1, OTHER)]:
        of_run = messages.Domains.of(chain_id, contract)
        for invitee, key, deadline, nonce in [(OTHER, zero, 1, 0), (zero, CONTRACT, 2**64 - 1, 2**256 - 1)]:
            invitation = messages.Invitation(invitee, key, deadline, nonce)
            where = {"chainId": word(chain_id), "contract": contract, "domain": text(of_run.typed)}
            given = {"invitee": invitee, "key": key, "deadline": word(deadline), "nonce": word(nonce), "account": OTHER}
            digest = messages.compute_invitation_digest(of_run, invitation)
            acceptance_digest = messages.compute_acceptance_digest(of_run, OTHER)
            cases.append(where | given | {"digest": text(digest), "acceptance": text(acceptance_digest)})
    return {"about": "EIP-712 digests: digest of the invitation, acceptance of the account", "invitations": cases}


def build_gradient() -> Document:
    packed = []
    for count, height in [(1, 0), (13, 6), (13, 7), (1_024, 3), (1_030, 4)]:
        kinds = np.frombuffer(stream(f"moves of {count}", count), np.uint8) % 3  # 0 up, 1 down, 2 did not move
        bits = gradient.pack_bits(kinds == 1, kinds == 2, height)
        moves = {"moved": (kinds != 2).astype(int).tolist(), "down": (kinds == 1).astype(int).tolist()}
        packed.append({"parameters": count, "height": height} | moves | {"bits": text(bits)})
    headers = []
    for seat, round_id, height, count, loss in [(0, 2, 0, 1, 0), (255, 2**32 - 1, 2**24 - 2, 2**40, 2**32 - 1)]:
        profile, sample = stream(f"profile {seat}", 8), stream(f"sample {seat}", 512) if seat else gradient.NO_SAMPLE
        header = gradient.Header(seat, round_id, height, count, profile, loss, sample)
        fields = {"seat": seat, "round": round_id, "height": height, "parameters": count, "loss": loss}
        more = {"profile": text(profile), "sample": text(sample), "header": text(header.encode())}
        headers.append(fields | more)
    return {"packed": packed, "headers": headers, "plaintexts": _plaintexts()}


def _plaintexts() -> Document:
    """One good plaintext, and everything that must be refused in its place."""
    count = 3
    header = gradient.Header(5, 9, 4, count, stream("profile", 8), 150_000, gradient.NO_SAMPLE)
    good = gradient.encode_plaintext(header, bytes([0b101]).ljust(128, b"\0"))
    changes = [("magic", 0), ("version", 5), ("seat", 7), ("round", 11), ("height", 15), ("parameter count", 23)]
    changes += [("reserved", 36), ("reserved", 63), ("padding bits", 576), ("padding bits", 577), ("padding bits", 703)]
    bad = []
    for why, offset in changes:
        data = bytearray(good)
        data[offset] ^= 0x08
        bad.append({"why": f"{why}, byte {offset}", "plaintext": text(bytes(data))})
    bad += [
        {"why": f"length {len(data)}", "plaintext": text(data)} for data in (good[:-1], good + b"\0", good[:575], b"")
    ]
    expected = {"seat": 5, "round": 9, "height": 4, "parameters": count}
    return expected | {"good": text(good), "bad": bad}


def build_sealing() -> Document:
    domain = messages.Domains.of(31337, CONTRACT).run
    cases = []
    for round_id, seat, salt, length in [(2, 0, b"", 704), (2**32 - 1, 255, stream("group key", 32), 1)]:
        key, plaintext = stream(f"key {seat}", 32), stream(f"plaintext {seat}", length)
        blob = sealing.seal(plaintext, key, run_domain=domain, round=round_id, seat=seat, salt=salt)
        where = {"runDomain": text(domain), "round": round_id, "seat": seat, "salt": text(salt)}
        data = {"key": text(key), "plaintext": text(plaintext), "blob": text(blob)}
        cases.append(where | data | {"sealedDigest": text(sealing.compute_sealed_digest(blob))})
    lengths = [{"parameters": count, "bytes": sealing.sealed_length(count)} for count in (1, 1_024, 1_025, 113_000)]
    return {"seals": cases, "lengths": lengths}


def build_keys() -> Document:
    secrets, chains, rounds = [], [], []
    for chain_id, contract, index in [(31337, CONTRACT, 0), (31337, CONTRACT, 1), (1, OTHER, 2**32 - 1)]:
        private_key = stream(f"private key {index}", 32)
        secret = keychain.derive_secret(private_key, chain_id, contract, index)
        where = {"chainId": word(chain_id), "contract": contract, "index": index}
        secrets.append({"privateKey": text(private_key)} | where | {"secret": text(secret)})
    for length in (1, 2, 5, 10):
        chain = keychain.KeyChain(stream(f"chain {length}", 32), length)
        keys = [text(chain.key(n)) for n in range(length + 1)]
        chains.append({"secret": keys[-1], "length": length, "keys": keys})
    whole = keychain.KeyChain(stream("whole chain", 32))
    for announced, round_id in [(0, 2), (0, 3), (5, 7), (5, 65_541), (1_000, 1_300)]:
        key = keychain.compute_round_key(whole, announced, round_id)
        rounds.append({"announced": announced, "round": round_id, "key": text(key)})
    full = {"secret": text(stream("whole chain", 32)), "length": KEYCHAIN_LENGTH, "tip": text(whole.tip)}
    return {"secrets": secrets, "chains": chains, "whole": full | {"rounds": rounds}}


def build_assignment() -> Document:
    domain, root = messages.Domains.of(31337, CONTRACT).run, stream("genesis root", 32)
    seed = assignment.compute_genesis_seed(domain, root)
    seeds = []
    for round_id, seats in [(2, []), (3, [4]), (4, [0, 9, 255]), (2**32 - 1, list(range(256)))]:
        keys = {seat: stream(f"key of {seat}", 32) for seat in seats}
        following = assignment.compute_next_seed(round_id, seed, keys)
        shown = {"seats": seats, "keys": [text(keys[seat]) for seat in seats]}
        seeds.append({"round": round_id, "seed": text(seed)} | shown | {"next": text(following)})
        seed = following
    batches = []
    for seat, height, local, count, bound in [
        (0, 0, 0, 1, 1),
        (3, 17, 7, 9, 1_000),
        (255, 2**32 - 1, 65_535, 4, 2**62),
    ]:
        batch = assignment.compute_batch(seed, seat, height, local, count, bound).tolist()
        where = {"seed": text(seed), "seat": seat, "height": height, "step": local, "bound": word(bound)}
        batches.append(where | {"batch": [word(index) for index in batch]})
    genesis = {"runDomain": text(domain), "genesisRoot": text(root), "seed": seeds[0]["seed"]}
    return {"genesis": genesis, "seeds": seeds, "batches": batches}


def build_checks() -> Document:
    """Draws of all kinds: the first seats of a run that are drawn, and some that are not."""
    domain, seed = messages.Domains.of(31337, CONTRACT).run, stream("draw seed", 32)
    weights = {0: 1, 3: 255, 7: 40, 200: 7}
    draws = []
    for seat in range(24):
        key, round_id, rate = stream(f"key of {seat}", 32), 64 + seat, (1, 3, 32)[seat % 3]
        digest = checks.compute_digest(domain, seed, key, seat, round_id)
        shown = {"seat": seat, "round": round_id, "key": text(key), "rate": rate, "digest": text(digest)}
        target = checks.choose_target(digest, seat, weights) if checks.is_drawn(digest, rate) else None
        draws.append(shown | {"target": target})
    samples = []
    for count, most in [(1, 4096), (700, 4096), (2_500, 9), (8_383_488, 13), (5_000, 4096)]:
        digest = stream(f"digest {count}", 32)
        positions = checks.Draw(2, 0, 1, digest).compute_positions(count, most)
        bits = gradient.pack_bits(_bits(f"target {count}", count), np.zeros(count, np.bool_), 0)
        sample = checks.pick_sample(bits, positions, count)
        shown = {"digest": text(digest), "parameters": count, "sample": most, "positions": positions}
        samples.append(shown | {"values": [sample[k // 8] >> k % 8 & 1 for k in range(len(positions))]})
    return {
        "runDomain": text(domain),
        "seed": text(seed),
        "weights": [[seat, weight] for seat, weight in weights.items()],
        "draws": draws,
        "samples": samples,
    }


def build_acceptance() -> Document:
    availability = []
    for haves, weights in [
        ([1], [5]),
        ([0b11, 0b01], [1, 1]),
        ([0b111, 0b110, 0b100], [3, 2, 1]),
        ([0b1000, 0], [2, 1]),
    ]:
        seats = range(len(haves))
        available = acceptance.compute_available(dict(zip(seats, haves, strict=True)), dict(enumerate(weights)))
        shown = {"haves": [word(bitmap) for bitmap in haves], "weights": weights}
        availability.append(shown | {"available": word(acceptance.compute_bitmap(available))})
    base = [(weight, 2 * weight + change) for weight in (1, 50, 65_280) for change in (-1, 0, 1)]
    votable = [{"accepted": wa, "base": b, "votable": acceptance.is_votable(wa, b)} for wa, b in base]
    return {"availability": availability, "gate": _gate_cases(), "votable": votable}


def _gate_cases() -> list[Document]:
    """Honest seats share a direction and add noise; others flip it, share another, send noise, or copy."""
    count = 1_500
    common = _bits("common", count)
    other = _bits("other", count)
    honest = [_mix(common, f"honest {k}", count) for k in range(5)]
    flipped = [~bits for bits in honest]
    colluders = [_mix(other, f"colluder {k}", count) for k in range(2)]
    cases = [
        ("a lone candidate passes", [honest[0]], [1]),
        ("two that agree", honest[:2], [1, 9]),
        ("two that disagree", [common, ~common], [5, 4]),
        ("a flipped seat among honest ones", [honest[0], flipped[1], honest[2], honest[3]], [2, 3, 2, 2]),
        ("colluders with 40 %", [*honest[:3], *colluders], [10, 10, 10, 10, 10]),
        ("a seat with more weight than all others", honest[:4], [255, 1, 1, 2]),
        ("a copy of an honest gradient", [honest[0], honest[0], honest[1]], [1, 1, 1]),
        ("pure noise", [_bits(f"noise {k}", count) for k in range(3)], [1, 1, 1]),
    ]
    return [_gate_case(about, rows, weights, count) for about, rows, weights in cases]


def _gate_case(about: str, rows: list[np.ndarray], weights: list[int], count: int) -> Document:
    packed = [gradient.pack_bits(row, np.zeros(count, bool), 0) for row in rows]
    seats = [3 * k + 1 for k in range(len(rows))]  # seat ids need not be dense
    gate = acceptance.compute_accepted(
        dict(zip(seats, packed, strict=True)), dict(zip(seats, weights, strict=True)), count
    )
    given = {"about": about, "parameters": count, "seats": seats, "weights": weights, "bits": [text(b) for b in packed]}
    found = {"scores": [gate.scores[seat] for seat in seats], "median": gate.median, "accepted": word(gate.accepted)}
    return given | found


def _bits(label: str, count: int) -> np.ndarray:
    return np.unpackbits(np.frombuffer(stream(label, -(-count // 8)), np.uint8), count=count).astype(bool)


def _mix(direction: np.ndarray, label: str, count: int) -> np.ndarray:
    """`direction` with every bit replaced by noise with probability 1/2."""
    return np.where(_bits(label + " keep", count), direction, _bits(label + " noise", count))


BUILDERS = {
    "messages": build_messages,
    "trees": build_trees,
    "step": build_step,
    "gradient": build_gradient,
    "sealing": build_sealing,
    "keys": build_keys,
    "assignment": build_assignment,
    "checks": build_checks,
    "acceptance": build_acceptance,
    "challenges": build_challenges,
    "invitations": build_invitations,
}


def build_all() -> dict[str, Document]:
    """Every document by the name of its file."""
    return {name: build() for name, build in BUILDERS.items()}
