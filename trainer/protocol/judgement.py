"""From a round's events and blobs to its outcome: who is a candidate, who is accepted and why not, and the next state.
Pure; the worker and the auditor share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from trainer.protocol.acceptance import Gate, compute_accepted, compute_available, is_votable
from trainer.protocol.gradient import GradientError, Header, decode_plaintext
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import SealError, open_sealed
from trainer.protocol.step import Schedule, apply_step
from trainer.protocol.tree import compute_gradient_root, compute_state_root

State = npt.NDArray[np.int32]


class Verdict(StrEnum):
    """What became of a seat that committed. The values are what people read."""

    ACCEPTED = "accepted"
    NOT_REVEALED = "did not reveal"
    KEY_INVALID = "key is not of its chain"
    NOT_AVAILABLE = "blob held by too little weight"
    SEAL_INVALID = "blob does not open"
    GRADIENT_INVALID = "plaintext breaks a rule"
    ROOT_WRONG = "bits do not give the revealed root"
    GATE = "correlation gate"


@dataclass(frozen=True)
class Judgement:
    """What one round comes to. `accepted` is the bitmap; `gate` and `headers` are of the candidates; `bits` of the
    accepted seats.
    """

    round: int
    verdicts: Mapping[int, Verdict]
    headers: Mapping[int, Header]
    gate: Gate
    bits: Mapping[int, bytes]
    weight: int  # of the accepted set
    votable: bool

    @property
    def accepted(self) -> int:
        """The accepted set as the bitmap of a vote."""
        return self.gate.accepted


def compute_required(run: RunState, round_id: int) -> dict[int, bytes]:
    """Sealed digests, by seat, of all blobs that the judgement of a round needs: revealed, key valid, available. From
    the chain alone.
    """
    record = run.rounds[round_id]
    available = compute_available({seat: reveal.haves for seat, reveal in record.reveals.items()}, record.weights)
    return {
        seat: record.commits[seat].sealed_digest
        for seat, reveal in sorted(record.reveals.items())
        if seat in available and run.is_valid_key(reveal)
    }


def judge(
    run: RunState, round_id: int, blobs: Mapping[int, bytes], salt: bytes = b"", only: frozenset[int] | None = None
) -> Judgement:
    """Judges a round whose reveal phase is over.

    blobs: seat to sealed bytes, verified against their digests, for every seat of `compute_required`. salt: group key
    of a private run. Never judges with fewer blobs (KeyError): who lacks one abstains. only: for rounds that are long
    final, the recorded accepted set: its blobs suffice, every other seat counts as not available, and the recorded set
    stands if these blobs are what they should be (the root tells whether the sum is right).
    """
    record = run.rounds[round_id]
    required = compute_required(run, round_id)
    if only is not None:
        required = {seat: digest for seat, digest in required.items() if seat in only}
    verdicts: dict[int, Verdict] = {}
    headers: dict[int, Header] = {}
    candidates: dict[int, bytes] = {}
    for seat in sorted(record.commits):
        reveal = record.reveals.get(seat)
        if reveal is None:
            verdicts[seat] = Verdict.NOT_REVEALED
        elif seat in required:
            verdict, header, bits = _open(run, round_id, seat, blobs[seat], salt)
            verdicts[seat] = verdict
            if header is not None:
                headers[seat], candidates[seat] = header, bits
        else:
            verdicts[seat] = Verdict.NOT_AVAILABLE if run.is_valid_key(reveal) else Verdict.KEY_INVALID
    gate = compute_accepted(candidates, record.weights, run.parameters.parameter_count)
    if only is not None:
        gate = replace(
            gate, passed=frozenset(candidates)
        )  # whether the gate would pass them depends on blobs that are gone
    verdicts.update({seat: Verdict.GATE for seat in candidates if seat not in gate.passed})
    weight = sum(record.weights[seat] for seat in gate.passed)
    accepted_bits = {seat: candidates[seat] for seat in sorted(gate.passed)}
    return Judgement(round_id, verdicts, headers, gate, accepted_bits, weight, is_votable(weight, record.base))


def compute_next_state(run: RunState, round_id: int, state: State, bits: Mapping[int, bytes]) -> tuple[State, bytes]:
    """State int32[Ppad] after the round's accepted gradients, and its root. The numpy reference;
    `learn/integer_step.py` is the fast twin.
    """
    record, p = run.rounds[round_id], run.parameters
    step = Schedule(p.peak_step, p.warmup, p.decay, p.total_heights).compute_step(record.height)
    after = apply_step(state, [(bits[seat], record.weights[seat]) for seat in sorted(bits)], step)
    return after, compute_state_root(after)


def _open(run: RunState, round_id: int, seat: int, blob: bytes, salt: bytes) -> tuple[Verdict, Header | None, bytes]:
    record = run.rounds[round_id]
    reveal = record.reveals[seat]
    try:
        plaintext = open_sealed(blob, reveal.key, run_domain=run.domains.run, round=round_id, seat=seat, salt=salt)
    except SealError:
        return Verdict.SEAL_INVALID, None, b""
    try:
        header, bits = decode_plaintext(
            plaintext, seat=seat, round=round_id, height=record.height, parameter_count=run.parameters.parameter_count
        )
    except GradientError:
        return Verdict.GRADIENT_INVALID, None, b""
    if compute_gradient_root(bits) != reveal.gradient_root:
        return Verdict.ROOT_WRONG, None, b""
    return Verdict.ACCEPTED, header, bits
