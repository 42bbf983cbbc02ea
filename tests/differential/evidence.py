"""Answers to challenges, right ones and with one flaw each."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from tests.differential.operations import account
from tests.differential.states import get_gradient_leaves, make_bits, make_genesis
from trainer.protocol.constants import GRADIENT_LEAF_BYTES
from trainer.protocol.sums import LANE_WORDS, Sum
from trainer.protocol.tree import compute_depth, compute_path

if TYPE_CHECKING:
    from tests.differential.scene import Scene


class Start(IntEnum):
    """Where the sums of an answer, or of a part of it, begin: with nothing (and two numbers that do not matter), with
    what the sender's last part left, with one count more than that, or one word short.
    """

    ANEW = 0
    GO_ON = 1
    FALSE_SUM = 2
    SHORT_SUM = 3


class Flaw(IntEnum):
    """What is wrong with an answer. Up to SEAT_TOO_MANY, a part of one can have it too."""

    NONE = 0
    FLIPPED_BIT = 1
    CUT_GRADIENTS = 2
    SEAT_TOO_MANY = 3
    SEAT_TOO_FEW = 4
    CUT_OLD_CHUNK = 5
    OTHER_OLD_CHUNK = 6
    LONG_OLD_PATH = 7
    LONG_NEW_PATH = 8
    OTHER_NEW_PATH = 9


Sums = tuple[int, int, list[int]]


def build_part(scene: Scene, sender: int, round_id: int, chunk: int, start: int, flaw: int, count: int) -> list[Any]:
    """Arguments of `answerPart` with the next `count` seats."""
    sums = _build_sums(scene, sender, round_id, chunk, start)
    return [round_id, chunk, sums, _build_gradients(scene, round_id, chunk, sums, flaw, count)]


def build_answer(scene: Scene, sender: int, round_id: int, chunk: int, start: int, flaw: int) -> list[Any]:
    """Arguments of `answer`."""
    sums = _build_sums(scene, sender, round_id, chunk, start)
    gradients = _build_gradients(scene, round_id, chunk, sums, flaw, 256)
    record = scene.state.rounds.get(round_id)
    final = record.final if record else None
    before = scene.bases.get(round_id, make_genesis(scene.chunks))
    after = scene.trees.get(final.state_root[:26]) if final else None
    after = after or scene.compute_right(round_id, final.accepted if final else 1)
    inner = min(chunk, scene.chunks - 1)  # a chunk that is not there has no path
    old_chunk, old_path, new_path = before.get_chunk(inner), before.get_path(inner), after.get_path(inner)
    match flaw:
        case Flaw.CUT_OLD_CHUNK:
            old_chunk = old_chunk[1:]
        case Flaw.OTHER_OLD_CHUNK:
            old_chunk = bytes([old_chunk[0] ^ 1]) + old_chunk[1:]
        case Flaw.LONG_OLD_PATH:
            old_path += bytes(32)
        case Flaw.LONG_NEW_PATH:
            new_path += bytes(32)
        case Flaw.OTHER_NEW_PATH:
            new_path = bytes(byte ^ 1 for byte in new_path)
    return [round_id, chunk, sums, gradients, old_chunk, old_path, new_path]


def list_accepted(scene: Scene, round_id: int, since: int = 0) -> list[int]:
    """Accepted seats of a round from an id on, ascending."""
    record = scene.state.rounds.get(round_id)
    accepted = record.final.accepted if record and record.final else 0
    return [seat for seat in range(min(since, 256), 256) if accepted >> seat & 1]


def _build_sums(scene: Scene, sender: int, round_id: int, chunk: int, start: int) -> Sums:
    kept = scene.contract.progress.get((round_id, chunk, account(sender)), Sum(lanes=(0,) * LANE_WORDS))
    lanes = list(kept.lanes)
    if start == Start.ANEW:
        return 7, 9, []  # ignored where no lanes come with them
    if start == Start.FALSE_SUM:
        lanes[5] += 1
    return kept.next, kept.weight, lanes[1:] if start == Start.SHORT_SUM else lanes


def _build_gradients(scene: Scene, round_id: int, chunk: int, sums: Sums, flaw: int, count: int) -> bytes:
    seats = list_accepted(scene, round_id, sums[0] if sums[2] else 0)[:count]
    if flaw == Flaw.SEAT_TOO_FEW:
        seats = seats[:-1]
    if flaw == Flaw.SEAT_TOO_MANY:
        seats = [*seats, 0]
    data = bytearray(b"".join(_build_gradient(scene, round_id, chunk, seat) for seat in seats))
    if flaw == Flaw.FLIPPED_BIT and data:
        data[-1 if scene.chunks > 1 else 0] ^= 1
    return bytes(data[1:] if flaw == Flaw.CUT_GRADIENTS else data)


def _build_gradient(scene: Scene, round_id: int, chunk: int, seat: int) -> bytes:
    number, inner = scene.gradients.get((round_id, seat), 0), min(chunk, scene.chunks - 1)
    bits = make_bits(number, scene.chunks)[GRADIENT_LEAF_BYTES * inner : GRADIENT_LEAF_BYTES * (inner + 1)]
    path = compute_path(get_gradient_leaves(number, scene.chunks), compute_depth(scene.chunks), inner)
    return bits + b"".join(path)
