"""Real blobs, real seals, and everything that a seat can do wrong: every verdict, the same for everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.machine import COUNT, DOMAINS, GENESIS, PARAMETERS, RULES
from trainer.protocol.acceptance import compute_accepted
from trainer.protocol.contract import Anchor, Call, Contract
from trainer.protocol.gradient import Header, encode_plaintext, pack_bits
from trainer.protocol.judgement import Verdict, compute_next_state, compute_required, judge
from trainer.protocol.keychain import KeyChain, compute_round_key
from trainer.protocol.messages import compute_commitment
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import compute_sealed_digest, seal
from trainer.protocol.tree import compute_gradient_root
from trainer.protocol.types import BlockRef, Event
from trainer.roles.follower import Follower

ROUND = 2
EVERYBODY = (1 << 256) - 1


@dataclass(frozen=True)
class Conduct:
    """How a seat goes through the round. haves: the seats whose blobs it claims."""

    weight: int = 1
    haves: int = EVERYBODY
    commits: bool = True
    reveals: bool = True
    bits: bytes | None = None  # else honest ones
    root: bytes | None = None  # else that of the bits
    key: bytes | None = None  # to reveal; else the right one
    sealed_with: bytes | None = None  # else the key that is revealed
    header: Mapping[str, int] = field(default_factory=dict)  # fields that are not as they should be
    edit: Callable[[bytes], bytes] = bytes  # of the plaintext, before it is sealed
    spoil: Callable[[bytes], bytes] = bytes  # of the blob
    salt: bytes = b""


def honest_bits(seat: int, noise: float = 0.2) -> bytes:
    """A shared direction and some noise of the seat's own."""
    common = np.random.default_rng(7).random(COUNT) < 0.5
    own = np.random.default_rng([7, seat]).random(COUNT) < noise
    return pack_bits(common ^ own, np.zeros(COUNT, np.bool_), 0)


def flip(bits: bytes) -> bytes:
    """The opposite direction, padding still zero."""
    array = np.unpackbits(np.frombuffer(bits, np.uint8), count=COUNT, bitorder="little")
    return np.packbits(1 - array, bitorder="little").tobytes().ljust(len(bits), b"\0")


class Stage:
    """One round played by seats of given conduct, up to the vote."""

    def __init__(self, conducts: list[Conduct], order: list[int] | None = None) -> None:
        self.run = RunState(PARAMETERS, DOMAINS)
        self.contract = Contract(self.run)
        self.events: list[Event] = []
        self.blobs: dict[int, bytes] = {}
        self.number = 0
        order = order or list(range(len(conducts)))
        chains = [KeyChain(sha256(b"%d" % seat).digest(), 50) for seat in range(len(conducts))]
        for seat, conduct in enumerate(conducts):
            self.do("join", seat, conduct.weight, self.operator(seat), chains[seat].tip, "", conduct.weight)
        self.number += PARAMETERS.activate_delay
        for seat in range(len(conducts)):
            self.do("activate", seat, seat)
        self.do("open_round", 0)
        roots = {}
        for seat in order:
            if conducts[seat].commits:
                roots[seat] = self.commit(seat, conducts[seat], compute_round_key(chains[seat], 0, ROUND))
        self.number = max(self.number, self.run.clock.commit_end - 1)
        for seat in order:
            conduct = conducts[seat]
            if conduct.commits and conduct.reveals:
                key = conduct.key or compute_round_key(chains[seat], 0, ROUND)
                self.do("reveal", seat, ROUND, seat, roots[seat], key, conduct.haves)

    @staticmethod
    def operator(seat: int) -> str:
        return f"0x{seat + 1:040x}"

    def do(self, operation: str, seat: int, *args: object) -> None:
        self.number += 1
        block = BlockRef(self.number, sha256(b"block %d" % self.number).digest(), self.number)
        call = Call(self.operator(seat), block, lambda number: sha256(b"block %d" % number).digest())
        self.events += getattr(self.contract, operation)(call, *args)

    def commit(self, seat: int, conduct: Conduct, chain_key: bytes) -> bytes:
        bits = conduct.bits or honest_bits(seat)
        header = replace(Header(seat, ROUND, 0, COUNT, bytes(8), 0, bytes(512)), **conduct.header)  # type: ignore[arg-type]
        plaintext = conduct.edit(header.encode() + bits)
        key = conduct.sealed_with or conduct.key or chain_key
        blob = seal(plaintext, key, run_domain=DOMAINS.run, round=ROUND, seat=seat, salt=conduct.salt)
        self.blobs[seat] = conduct.spoil(blob)
        root = conduct.root or compute_gradient_root(bits)
        commitment = compute_commitment(DOMAINS, ROUND, seat, self.operator(seat), root)
        digest = compute_sealed_digest(self.blobs[seat])
        anchor = Anchor(self.number, sha256(b"block %d" % self.number).digest())
        self.do("commit", seat, ROUND, seat, anchor, commitment, digest)
        return root


HONEST = Conduct()


def judged_alone(conduct: Conduct) -> Verdict:
    """Verdict on seat 4 of five, the others honest; those four are accepted."""
    stage = Stage([HONEST] * 4 + [conduct])
    judgement = judge(stage.run, ROUND, stage.blobs)
    assert judgement.accepted & 0b1111 == 0b1111
    verdict = judgement.verdicts[4]
    assert (judgement.accepted >> 4 & 1) == (verdict is Verdict.ACCEPTED)
    assert (4 in judgement.bits) == (verdict is Verdict.ACCEPTED)
    return verdict


# ---------------------------------------------------------------------- verdicts

STRANGE_KEY = sha256(b"of no chain").digest()
CONDUCTS: list[tuple[str, Conduct, Verdict]] = [
    ("honest", HONEST, Verdict.ACCEPTED),
    ("mute", Conduct(reveals=False), Verdict.NOT_REVEALED),
    ("a key of no chain", Conduct(key=STRANGE_KEY), Verdict.KEY_INVALID),
    ("the key of another round", Conduct(key=KeyChain(sha256(b"4").digest(), 50).key(2)), Verdict.KEY_INVALID),
    ("the tip itself", Conduct(key=KeyChain(sha256(b"4").digest(), 50).tip), Verdict.KEY_INVALID),
    ("sealed with another key", Conduct(sealed_with=STRANGE_KEY), Verdict.SEAL_INVALID),
    ("sealed for a private run", Conduct(salt=b"group key"), Verdict.SEAL_INVALID),
    ("a blob of nothing", Conduct(spoil=lambda blob: b""), Verdict.SEAL_INVALID),
    ("a blob of zeros", Conduct(spoil=lambda blob: bytes(len(blob))), Verdict.SEAL_INVALID),
    ("a bit of the blob", Conduct(spoil=lambda blob: blob[:-1] + bytes([blob[-1] ^ 1])), Verdict.SEAL_INVALID),
    ("a blob cut short", Conduct(spoil=lambda blob: blob[:-1]), Verdict.SEAL_INVALID),
    ("another seat's header", Conduct(header={"seat": 3}), Verdict.GRADIENT_INVALID),
    ("another round's header", Conduct(header={"round": 3}), Verdict.GRADIENT_INVALID),
    ("another height's header", Conduct(header={"height": 1}), Verdict.GRADIENT_INVALID),
    ("another model's header", Conduct(header={"parameter_count": COUNT + 1}), Verdict.GRADIENT_INVALID),
    ("no magic", Conduct(edit=lambda plain: b"CMT2" + plain[4:]), Verdict.GRADIENT_INVALID),
    ("a reserved byte", Conduct(edit=lambda plain: plain[:63] + b"\1" + plain[64:]), Verdict.GRADIENT_INVALID),
    ("a byte too many", Conduct(edit=lambda plain: plain + b"\0"), Verdict.GRADIENT_INVALID),
    ("a byte too few", Conduct(edit=lambda plain: plain[:-1]), Verdict.GRADIENT_INVALID),
    ("padding that is not zero", Conduct(edit=lambda plain: plain[:-1] + b"\x80"), Verdict.GRADIENT_INVALID),
    ("another root", Conduct(root=sha256(b"root").digest()), Verdict.ROOT_WRONG),
    ("other bits than the root", Conduct(root=compute_gradient_root(honest_bits(9))), Verdict.ROOT_WRONG),
    ("the opposite direction", Conduct(bits=flip(honest_bits(4))), Verdict.GATE),
    ("noise", Conduct(bits=honest_bits(4, 0.5)), Verdict.GATE),
]


@pytest.mark.parametrize(("conduct", "verdict"), [case[1:] for case in CONDUCTS], ids=[case[0] for case in CONDUCTS])
def test_every_conduct_has_its_verdict(conduct: Conduct, verdict: Verdict) -> None:
    assert judged_alone(conduct) is verdict


def test_a_blob_that_too_few_hold_is_not_available() -> None:
    without = EVERYBODY & ~(1 << 4)
    stage = Stage([Conduct(haves=without), Conduct(haves=without), HONEST, Conduct(haves=without), HONEST])
    assert judge(stage.run, ROUND, stage.blobs).verdicts[4] is Verdict.NOT_AVAILABLE
    assert 4 not in compute_required(stage.run, ROUND)


def test_every_verdict_occurs_here() -> None:
    assert {case[2] for case in CONDUCTS} | {Verdict.NOT_AVAILABLE} == set(Verdict)


def test_a_seat_that_did_not_commit_has_no_verdict() -> None:
    stage = Stage([HONEST, HONEST, HONEST, Conduct(commits=False)])
    assert set(judge(stage.run, ROUND, stage.blobs).verdicts) == {0, 1, 2}


def test_a_wrong_key_goes_before_an_absent_blob() -> None:
    """Neither is fetched; the reason that people read is the seat's own fault."""
    stage = Stage([HONEST] * 4 + [Conduct(key=STRANGE_KEY)])
    del stage.blobs[4]
    assert judge(stage.run, ROUND, stage.blobs).verdicts[4] is Verdict.KEY_INVALID


# ---------------------------------------------------------------------- weights


@pytest.mark.parametrize(("weight", "verdict"), [(3, Verdict.NOT_AVAILABLE), (4, Verdict.ACCEPTED)])
def test_held_by_exactly_half_of_the_revealed_weight_is_not_available(weight: int, verdict: Verdict) -> None:
    """Seat 0 claims the blob of seat 3; three of weight 1, its own seat among them, do not."""
    silent = Conduct(haves=EVERYBODY & ~(1 << 3))
    stage = Stage([Conduct(weight=weight), silent, silent, silent])
    assert judge(stage.run, ROUND, stage.blobs).verdicts[3] is verdict


@pytest.mark.parametrize(("weight", "is_votable"), [(1, False), (2, False), (3, True)])
def test_an_accepted_set_of_half_of_the_base_is_not_votable(weight: int, is_votable: bool) -> None:
    """Base `weight` + 2: half of it, or less, moves nothing."""
    stage = Stage([Conduct(weight=weight), Conduct(spoil=lambda blob: b""), Conduct(spoil=lambda blob: b"")])
    judgement = judge(stage.run, ROUND, stage.blobs)
    assert judgement.accepted == 0b001
    assert (judgement.weight, judgement.votable) == (weight, is_votable)


def test_nobody_accepted_is_an_empty_set_that_is_not_votable() -> None:
    stage = Stage([Conduct(spoil=lambda blob: b"")] * 3)
    judgement = judge(stage.run, ROUND, stage.blobs)
    assert (judgement.accepted, judgement.weight, judgement.votable) == (0, 0, False)


# ---------------------------------------------------------------------- never with fewer blobs


def test_a_missing_blob_is_never_judged_around() -> None:
    stage = Stage([HONEST, HONEST, HONEST, Conduct(bits=flip(honest_bits(3)))])
    for seat, digest in compute_required(stage.run, ROUND).items():
        assert compute_sealed_digest(stage.blobs[seat]) == digest
        fewer = {other: blob for other, blob in stage.blobs.items() if other != seat}
        with pytest.raises(KeyError):
            judge(stage.run, ROUND, fewer)


def test_blobs_that_are_not_required_change_nothing() -> None:
    stage = Stage([HONEST, HONEST, HONEST, Conduct(reveals=False), Conduct(key=STRANGE_KEY)])
    required = {seat: stage.blobs[seat] for seat in compute_required(stage.run, ROUND)}
    assert set(required) == {0, 1, 2}
    assert judge(stage.run, ROUND, required) == judge(stage.run, ROUND, stage.blobs)


# ---------------------------------------------------------------------- everybody alike

conducts = st.lists(
    st.builds(
        lambda case, weight, haves: replace(case[1], weight=weight, haves=haves | 1),
        st.sampled_from(CONDUCTS),
        st.integers(1, 255),
        st.sampled_from([EVERYBODY, EVERYBODY, EVERYBODY, 0b00111, 0b10101]),
    ),
    min_size=3,
    max_size=6,
)


@given(conducts, st.randoms(use_true_random=False))
def test_worker_auditor_and_replay_agree(conducts: list[Conduct], random: object) -> None:
    """Whatever the seats do and in whatever order: from the events, with the blobs that are required, with the accepted
    ones alone.
    """
    order = list(range(len(conducts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    stage, other = Stage(conducts), Stage(conducts, order)
    worker = judge(stage.run, ROUND, stage.blobs)
    assert judge(other.run, ROUND, other.blobs) == worker
    auditor = RunState(PARAMETERS, DOMAINS)
    for event in stage.events:
        auditor.apply(event)
    required = {seat: stage.blobs[seat] for seat in compute_required(auditor, ROUND)}
    assert judge(auditor, ROUND, required) == worker
    assert sum(1 << seat for seat, verdict in worker.verdicts.items() if verdict is Verdict.ACCEPTED) == worker.accepted
    if worker.bits:
        replayed = judge(auditor, ROUND, {seat: stage.blobs[seat] for seat in worker.bits}, only=frozenset(worker.bits))
        assert (replayed.accepted, replayed.bits) == (worker.accepted, worker.bits)
        assert (
            Follower(GENESIS, 0, RULES).judge(auditor, ROUND, required).outcome.state_root
            == (compute_next_state(auditor, ROUND, GENESIS, replayed.bits)[1])
        )


def test_a_recorded_set_stands_though_the_gate_over_it_alone_would_not_pass_all() -> None:
    """Two agree closely, a third half as much; what made it pass was the noise of two that were rejected, and gone."""
    noises = (0.025, 0.025, 0.29, 0.5, 0.5)
    stage = Stage([Conduct(bits=honest_bits(seat, noise)) for seat, noise in enumerate(noises)])
    judgement = judge(stage.run, ROUND, stage.blobs)
    assert judgement.accepted == 0b00111
    assert compute_accepted(judgement.bits, stage.run.rounds[ROUND].weights, COUNT).accepted == 0b00011
    kept = {seat: stage.blobs[seat] for seat in judgement.bits}
    replayed = judge(stage.run, ROUND, kept, only=frozenset(kept))
    assert (replayed.accepted, replayed.bits) == (judgement.accepted, judgement.bits)


def test_a_recorded_set_that_lies_gives_another_root() -> None:
    """Replaying with a set that the blobs do not support shows in the root, or in the set."""
    stage = Stage([HONEST, HONEST, HONEST, Conduct(spoil=lambda blob: b"")])
    truth = judge(stage.run, ROUND, stage.blobs)
    _, root = compute_next_state(stage.run, ROUND, GENESIS, truth.bits)
    short = judge(stage.run, ROUND, stage.blobs, only=frozenset({0, 1}))
    assert compute_next_state(stage.run, ROUND, GENESIS, short.bits)[1] != root
    too_many = judge(stage.run, ROUND, stage.blobs, only=frozenset({0, 1, 2, 3}))
    assert too_many.accepted == 0b0111  # a blob that does not open is accepted in no case
    assert too_many.verdicts[3] is Verdict.SEAL_INVALID


def test_the_next_state_weighs_the_votes() -> None:
    """One parameter by hand: two of weight 3 say down, one of weight 2 says up: c = 6 of 8, V = 8192, saturated."""
    down = pack_bits(np.ones(COUNT, np.bool_), np.zeros(COUNT, np.bool_), 0)
    mostly = np.ones(COUNT, np.bool_)
    mostly[0] = False
    up = pack_bits(mostly, np.zeros(COUNT, np.bool_), 0)
    stage = Stage([Conduct(weight=3, bits=down), Conduct(weight=3, bits=down), Conduct(weight=2, bits=up)])
    judgement = judge(stage.run, ROUND, stage.blobs)
    assert judgement.accepted == 0b111
    after, _ = compute_next_state(stage.run, ROUND, GENESIS, judgement.bits)
    assert (after[0], after[1]) == (0 - 1000, 1 - 1000)  # (6 << 15) // 8 - 2**14 = 8192, times 3 is clamped to 2**14
    assert encode_plaintext(judgement.headers[0], judgement.bits[0])[576:] == down
