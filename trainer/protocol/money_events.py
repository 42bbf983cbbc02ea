"""What events of pay, challenges and accusations do to the ledger."""

from __future__ import annotations

from trainer.protocol.constants import MAX_SEATS
from trainer.protocol.events import (
    Accused,
    AnswerAdvanced,
    Answered,
    Challenged,
    ChallengeLapsed,
    Claimed,
    Condemned,
    Funded,
    Settled,
    Slashed,
    Swept,
)
from trainer.protocol.ledger import ROOT_BYTES, Ledger
from trainer.protocol.records import Accusation, Challenge, Condemnation, Seat
from trainer.protocol.seat_events import set_weight
from trainer.protocol.types import Status

# ---------------------------------------------------------------------- pay


def compute_due(run: Ledger, seat: Seat, height: int) -> int:
    """What a holder has earned with a height, in wei; 0 where the records are gone."""
    kept = run.find_result(height)
    record = run.find_ballot(kept.round) if kept else None
    if record is None or record.final is None or not seat.first <= record.round <= seat.until:
        return 0
    if not (record.final.accepted & record.voters) >> seat.seat & 1:
        return 0
    p, weight = run.parameters, seat.get_weight(record.round)
    is_checker = (record.final.checked >> seat.seat) & 1
    return p.reward_per_round * weight // record.base + is_checker * (p.check_reward * weight // record.base)


def apply_funded(run: Ledger, event: Funded) -> None:
    run.pool += event.amount


def apply_settled(run: Ledger, event: Settled) -> None:
    seat = run.find_holder(event.seat)
    for height in range(seat.settled_to + 1, event.height + 1):
        due = compute_due(run, seat, height)
        if due:
            run.pool -= due
            if not forfeit(run, seat, height, due):
                run.credits[seat.owner] += due
    seat.settled_to = event.height
    if event.seat % MAX_SEATS not in (run.former if event.seat >= MAX_SEATS else run.seats):
        run.blanks[event.seat] = seat


def is_condemned(run: Ledger, seat: Seat, height: int) -> bool:
    """Whether a condemnation takes what the holder has earned with a height (where that is anything)."""
    return bool(find_condemnations(run, seat, height)) and compute_due(run, seat, height) > 0


def find_condemnations(run: Ledger, seat: Seat, height: int) -> list[Condemnation]:
    """The condemnations of the holder that cover the round of a height: final at or before, and not safe then."""
    kept = run.find_result(height)
    time = run.rounds[kept.round].ballot_time if kept else 0
    return [c for c in seat.condemnations if c.time - run.parameters.horizon < time <= c.time]


def forfeit(run: Ledger, seat: Seat, height: int, due: int) -> bool:
    """Whether condemnations take the pay of a height; if so their witnesses are paid out of it, the rest is burnt."""
    covering = find_condemnations(run, seat, height)
    for condemnation in covering:
        reward = min(due, condemnation.left)
        condemnation.left -= reward
        run.credits[condemnation.witness] += reward
        due -= reward
    if covering:
        run.burnt += due
    return bool(covering)


def apply_claimed(run: Ledger, event: Claimed) -> None:
    del run.credits[event.account]


def apply_swept(run: Ledger, event: Swept) -> None:
    run.pool = 0


# ---------------------------------------------------------------------- challenges


def apply_challenged(run: Ledger, event: Challenged) -> None:
    before = run.find_result(event.height - 1)
    run.open_challenges += 1
    if event.credited:
        run.credits[event.challenger] += event.credited
    run.challenges[event.round, event.chunk] = Challenge(
        event.round,
        event.chunk,
        event.challenger,
        event.block.time,
        event.height,
        Status.OPEN,
        before.root[:ROOT_BYTES] if before else bytes(ROOT_BYTES),
        event.state_root,
        event.bond,
        run.parameters.challenge_bond,
    )


def apply_answer_part(run: Ledger, event: AnswerAdvanced) -> None:
    """The sums are the sender's to keep."""


def apply_answered(run: Ledger, event: Answered) -> None:
    challenge = run.challenges[event.round, event.chunk]
    challenge.status = Status.CANCELLED if event.is_late else Status.ANSWERED
    run.open_challenges -= 0 if event.is_late else 1
    run.burnt += challenge.bond - event.reward
    run.credits[event.answerer] += event.reward
    challenge.bond = 0


def apply_lapsed(run: Ledger, event: ChallengeLapsed) -> None:
    challenge = run.challenges[event.round, event.chunk]
    challenge.status = Status.LAPSED
    run.open_challenges -= 1
    return_bond(run, challenge)


def apply_slashed(run: Ledger, event: Slashed) -> None:
    challenge = run.challenges[event.round, event.chunk]
    challenge.voters &= ~(1 << event.seat)
    seat = run.find_holder_at(event.seat, event.round)
    seat.named -= 1
    if challenge.status is not Status.EXECUTED:
        return
    amount = event.lost * run.parameters.weight_unit
    challenge.prize -= event.prize
    run.credits[challenge.challenger] += event.prize
    return_bond(run, challenge)
    run.burnt += amount - event.prize
    run.staked -= amount
    run.seated -= 0 if seat.has_left else event.lost
    set_weight(run, seat, seat.next_weight - event.lost)


def return_bond(run: Ledger, challenge: Challenge) -> None:
    if challenge.bond:
        run.credits[challenge.challenger] += challenge.bond
        challenge.bond = 0


# ---------------------------------------------------------------------- accusations


def apply_accused(run: Ledger, event: Accused) -> None:
    accuser = run.find_acting(event.accuser, event.round)
    accuser.promote_operator(event.round)
    found = run.accusations.setdefault((event.round, event.accused, event.witness), Accusation())
    found.voters |= 1 << event.accuser
    found.tally += accuser.get_weight(event.round)


def apply_condemned(run: Ledger, event: Condemned) -> None:
    seat = run.find_holder_at(event.accused, event.round)
    seat.condemned_in = event.last_round
    witness = run.find_holder_at(event.witness, event.round).owner
    seat.condemnations.append(Condemnation(witness, event.block.time, event.owed))
