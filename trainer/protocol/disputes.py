"""A sample that disagrees condemns nobody by itself: who recomputes the target says who is wrong (docs/protocol.md,
Cross-checks).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from trainer.protocol.actions import Action, Charge, Send
from trainer.protocol.checks import Check, CheckRules, Draw, Finding, count_sample
from trainer.protocol.gradient import count_agreeing
from trainer.protocol.judgement import Judgement
from trainer.protocol.money_events import compute_due
from trainer.protocol.phases import stretched
from trainer.protocol.records import Accusation, Round
from trainer.protocol.run_state import RunState


@dataclass(frozen=True)
class Dispute:
    """Samples of one final round that disagree with their target's work. bits: the target's, Ppad / 8 bytes. samples:
    who drew it and what it says (512 bytes), by checker.
    """

    round: int
    target: int
    bits: bytes
    samples: tuple[tuple[Draw, bytes], ...]


def find_disputes(judgement: Judgement, checks: Sequence[Check]) -> list[Dispute]:
    """The disputes of a judged round, by target."""
    wrong = [check for check in checks if check.finding is Finding.DISAGREES]
    return [
        Dispute(
            judgement.round,
            target,
            judgement.bits[target],
            tuple((check.draw, check.sample) for check in wrong if check.draw.target == target),
        )
        for target in sorted({check.draw.target for check in wrong})
    ]


def judge_dispute(run: RunState, rules: CheckRules, dispute: Dispute, replayed: bytes) -> list[Charge]:
    """Whom to accuse, by a recomputation of the target's work (packed bits, Ppad / 8 bytes).

    The target's bits are compared at all places, the samples where they were taken. Of several checkers that are right
    the one of the lowest seat id is the witness: accusers must agree on it. Where the recomputation agrees with both
    or with neither, nobody is.
    """
    total = run.parameters.parameter_count
    is_honest = rules.is_confirmed(count_agreeing(replayed, dispute.bits, total), total)
    right: list[int] = []
    wrong: list[int] = []
    for draw, sample in dispute.samples:
        positions = draw.compute_positions(total, rules.sample)
        agreeing = count_sample(sample, replayed, positions, total)
        (right if rules.is_confirmed(agreeing, len(positions)) else wrong).append(draw.checker)
    if is_honest:
        return [_charge(run, dispute.round, checker, checker) for checker in sorted(wrong)]
    return [_charge(run, dispute.round, dispute.target, min(right))] if right else []


def _charge(run: RunState, round_id: int, accused: int, witness: int) -> Charge:
    record = run.rounds[round_id]
    return Charge(round_id, record.height + 1, accused, witness, record.reveals[accused].gradient_root)


def compute_unvested(run: RunState, dispute: Dispute, time: int) -> int:
    """Pay in wei that the seats of a dispute have earned and that is not safe yet at a chain time: what is at stake."""
    seats = {dispute.target, *(draw.checker for draw, _ in dispute.samples)}
    holders = [run.find_holder_at(seat, dispute.round) for seat in sorted(seats)]
    total = 0
    for final in reversed(run.finals):
        if time >= final.block.time + run.parameters.horizon:
            break
        total += sum(compute_due(run, holder, final.height) for holder in holders)
    return total


# ---------------------------------------------------------------------- what a seat does about it


def is_sample_awaited(run: RunState, record: Round, time: int, end: int) -> bool:
    """Whether a seat may still wait with its commit for a replay at a chain time, the present or that at which it is
    expected: up to three quarters of `commitMin`, and not while less than a quarter is left of a commit phase whose
    `end` is known. A check is never worth the round.
    """
    least = stretched(run.parameters.commit_min, record.stretch)
    return 4 * (time - record.opened.time) < 3 * least and 4 * (end - time) > least


def is_over(run: RunState, round_id: int, time: int) -> bool:
    """Whether nobody can be accused for a round any more, since it is safe or was overturned."""
    record = run.rounds.get(round_id)
    if record is None or record.final is None or record.overturned:
        return True
    return time >= record.final.block.time + run.parameters.horizon


def is_moot(run: RunState, dispute: Dispute) -> bool:
    """Whether its target is condemned already for rounds up to that one. A checker that lied about a cheat gets away
    with that; recomputing what is decided would keep others waiting.
    """
    return dispute.round <= run.find_holder_at(dispute.target, dispute.round).condemned_in


def decide_accusations(
    run: RunState, me: int, time: int, charges: Collection[Charge], pending: frozenset[tuple[str, int]]
) -> list[Action]:
    """The accusations that seat `me` has to send, one a round at a time: those that the contract would still take."""
    actions: list[Action] = []
    for charge in sorted(charges):
        taken = {(action.kind, action.round) for action in actions if isinstance(action, Send)} | pending
        if ("accuse", charge.round) not in taken and _is_due(run, me, time, charge):
            actions.append(Send("accuse", charge.round, charge=charge))
    return actions


def _is_due(run: RunState, me: int, time: int, charge: Charge) -> bool:
    if me == charge.accused or is_over(run, charge.round, time):
        return False
    if not run.is_standing(charge.round, charge.height) or run.find_ballot(charge.round) is None:
        return False
    if not run.has_revealed(charge.round, charge.accused):
        return False
    holder = run.find_acting(me, charge.round)
    # A new operator acts for older rounds only once it has acted in a new one.
    is_ours = holder.get_operator(charge.round) == holder.get_operator(run.clock.round)
    if not holder.is_active(charge.round) or run.find_holder_at(me, charge.round).named or not is_ours:
        return False
    accused = run.find_holder_at(charge.accused, charge.round)
    if charge.round <= accused.condemned_in or charge.round < accused.first:
        return False
    said = run.accusations.get((charge.round, charge.accused, charge.witness), Accusation())
    return not said.voters >> me & 1
