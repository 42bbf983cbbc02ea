"""Turns a recomputed round into the transactions that show one of its chunks to the contract."""

from __future__ import annotations

from trainer.chain import calls
from trainer.chain.calls import Call
from trainer.protocol.answers import build_answer
from trainer.protocol.run_state import RunState
from trainer.roles.examination import Examination

PART_BYTES = 100_000  # of gradients in one transaction: nodes take no transaction above 128 KiB


def make_answer(run: RunState, found: Examination, chunk: int) -> list[Call]:
    """Answer for a chunk of a round whose sum is right: one call, or parts and a last one, to be sent in order."""
    own = build_answer(found.bits, run.rounds[found.round].weights, found.before, found.after, chunk)
    parts = own.split(PART_BYTES)
    seat_bytes = len(own.seats[0].data)
    sent = []
    for part in parts:
        sums = (part.sums.next, part.sums.weight, part.sums.lanes)
        seats = len(part.gradients) // seat_bytes
        if part is not parts[-1]:
            sent.append(calls.answer_part(found.round, chunk, sums, part.gradients, seats))
        else:
            last = (own.old_chunk, own.old_path, own.new_path)
            sent.append(calls.answer(found.round, chunk, sums, part.gradients, seats, *last))
    return sent
