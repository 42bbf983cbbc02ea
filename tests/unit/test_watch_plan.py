"""What a watcher does and when: each case on its own, by the chain's time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from trainer.protocol.events import Challenged
from trainer.protocol.records import Challenge
from trainer.protocol.run_state import RunState
from trainer.protocol.types import BlockRef, Status
from trainer.roles.watch_plan import (
    TURNS,
    Errand,
    Target,
    Verdict,
    compute_answers_needed,
    compute_safe_height,
    compute_spent,
    compute_turn,
    draw,
    has_made,
    is_base_standing,
    plan,
)

ME, OTHER = "0xMe", "0xOther"
ANSWER, WINDOW, BOND = 80, 1_000, 100
ROUND, HEIGHT, CHUNK, POSTED = 9, 5, 3, 10_000
ROOT = bytes(32)
TURN = 3 * ANSWER // (2 * TURNS)  # the longest wait


def make_run(*challenges: Challenge, height: int = HEIGHT, is_standing: bool = True) -> RunState:
    finals = [
        SimpleNamespace(round=h + 4, height=h, block=SimpleNamespace(time=9_000 + 100 * h))
        for h in range(1, height + 1)
    ]
    found = SimpleNamespace(
        parameters=SimpleNamespace(
            answer_window=ANSWER, challenge_window=WINDOW, horizon=WINDOW + 2 * ANSWER, parameter_count=12 * 1024
        ),
        challenges={(c.round, c.chunk): c for c in challenges},
        finals=finals,
        height=height,
        next_bond=BOND << sum(c.status is Status.OPEN for c in challenges),
        is_standing=lambda round_id, of: is_standing and round_id == of + 4,
    )
    return cast(RunState, found)


def posted(by: str = OTHER, status: Status = Status.OPEN, chunk: int = CHUNK, **values: Any) -> Challenge:
    fields: dict[str, Any] = {"bond": BOND, "prize": BOND, "voters": 0} | values
    return Challenge(ROUND, chunk, by, POSTED, HEIGHT, status, ROOT[:26], ROOT, **fields)


def decide(run: RunState, age: int, verdict: Verdict, target: Target | None = None, me: str = ME) -> list[Errand]:
    return plan(run, POSTED + age, me, lambda _: verdict, target)


def suspect(chunks: range = range(12), since: int = POSTED, claimed: int | None = None) -> Target:
    return Target(ROUND, HEIGHT, ROOT, chunks, since, claimed)


# ---------------------------------------------------------------------- answers


def test_a_challenge_of_a_right_round_is_answered_in_ones_turn_until_it_has_lapsed() -> None:
    run, answer = make_run(posted()), [Errand("answer", ROUND, CHUNK)]
    wait = compute_turn(run, ME, ROUND)
    assert decide(run, wait - 1, Verdict.RIGHT) == []
    for age in (wait, ANSWER, 2 * ANSWER - 1):
        assert decide(run, age, Verdict.RIGHT) == answer
    assert decide(run, 2 * ANSWER, Verdict.RIGHT) == []


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.WRONG, Verdict.HOPELESS])
def test_what_is_not_known_to_be_right_is_not_answered(verdict: Verdict) -> None:
    assert decide(make_run(posted()), ANSWER - 1, verdict) == []


def test_after_an_overturn_an_answer_still_saves_the_voters_for_one_window() -> None:
    run = make_run(posted(status=Status.EXECUTED, voters=0b11), height=HEIGHT - 1)
    assert decide(run, ANSWER - 1, Verdict.RIGHT) == [Errand("answer", ROUND, CHUNK)]
    assert decide(run, ANSWER + TURN, Verdict.RIGHT) == [], "it helps nobody to slash who was right"


# ---------------------------------------------------------------------- overturns and what follows


@pytest.mark.parametrize("verdict", [Verdict.WRONG, Verdict.HOPELESS])
def test_a_wrong_round_is_overturned_when_it_is_due_by_its_challenger_at_once(verdict: Verdict) -> None:
    due = [Errand("overturn", ROUND, CHUNK)]
    for by, wait in ((ME, 0), (OTHER, compute_turn(make_run(), ME, ROUND))):
        assert decide(make_run(posted(by)), ANSWER + wait - 1, verdict) == []
        assert decide(make_run(posted(by)), ANSWER + wait, verdict) == due
        assert decide(make_run(posted(by)), 2 * ANSWER - 1, verdict) == due


def test_what_cannot_be_replayed_is_not_overturned() -> None:
    assert decide(make_run(posted(ME)), ANSWER + TURN, Verdict.UNKNOWN) == []


def test_voters_are_slashed_a_window_after_the_overturn() -> None:
    run = make_run(posted(ME, Status.EXECUTED, voters=0b101), height=HEIGHT - 1)
    assert decide(run, ANSWER - 1, Verdict.WRONG) == []
    both = [Errand("slash", ROUND, CHUNK, seat=0), Errand("slash", ROUND, CHUNK, seat=2)]
    assert decide(run, ANSWER, Verdict.WRONG) == both
    assert decide(run, ANSWER, Verdict.UNKNOWN) == both, "blobs may be gone since; it was judged before it was posted"
    assert decide(make_run(posted(OTHER, Status.EXECUTED, voters=0b101)), ANSWER + TURN, Verdict.UNKNOWN) == []


def test_voters_who_were_right_are_set_free_at_once() -> None:
    run = make_run(posted(status=Status.CANCELLED, voters=0b10))
    assert decide(run, 0, Verdict.RIGHT) == [Errand("slash", ROUND, CHUNK, seat=1)]


def test_ones_own_bond_is_fetched_back() -> None:
    lapse = [Errand("lapse", ROUND, CHUNK)]
    assert decide(make_run(posted(ME)), 2 * ANSWER, Verdict.WRONG) == lapse
    assert decide(make_run(posted(OTHER)), 2 * ANSWER, Verdict.WRONG) == []
    assert decide(make_run(posted(ME), is_standing=False), 0, Verdict.WRONG) == lapse, "another overturn took the round"


# ---------------------------------------------------------------------- challenges


def test_a_wrong_round_is_challenged_in_ones_turn_within_the_window() -> None:
    run, wait = make_run(), compute_turn(make_run(), ME, ROUND)
    assert decide(run, wait - 1, Verdict.WRONG, suspect()) == []
    (errand,) = decide(run, wait, Verdict.WRONG, suspect())
    assert (errand.kind, errand.round, errand.bond) == ("challenge", ROUND, BOND)
    final = run.finals[HEIGHT - 1].block.time
    assert plan(run, final + WINDOW - 1, ME, lambda _: Verdict.WRONG, suspect(since=final))
    assert not plan(run, final + WINDOW, ME, lambda _: Verdict.WRONG, suspect(since=final))


def test_nobody_challenges_while_a_suspect_chunk_is_challenged_already() -> None:
    assert decide(make_run(posted(OTHER)), TURN, Verdict.WRONG, suspect()) == []
    # One that is not suspect any more tells nothing: a cartel may have posted it to gain time.
    (errand,) = decide(make_run(posted(OTHER)), TURN, Verdict.WRONG, suspect(range(4, 8)))
    assert (errand.kind, errand.bond) == ("challenge", 2 * BOND)
    assert errand.chunk in range(4, 8)


def test_the_next_challenge_is_of_a_suspect_that_was_not_challenged() -> None:
    answered = [posted(status=Status.ANSWERED, chunk=chunk) for chunk in (4, 5, 7)]
    (errand,) = decide(make_run(*answered), TURN, Verdict.WRONG, suspect(range(4, 8)))
    assert errand.chunk == 6
    all_four = [posted(status=Status.ANSWERED, chunk=chunk) for chunk in range(4, 8)]
    assert decide(make_run(*all_four), TURN, Verdict.WRONG, suspect(range(4, 8))) == []


def test_a_chunk_that_is_known_to_be_wrong_comes_first() -> None:
    (errand,) = decide(make_run(), TURN, Verdict.WRONG, suspect(claimed=11))
    assert errand.chunk == 11


def test_the_first_chunk_depends_on_who_challenges_and_on_nothing_else() -> None:
    drawn = {f"0x{n}": draw(f"0x{n}".encode(), ROUND, 12) for n in range(64)}
    assert set(drawn.values()) == set(range(12))
    for account, chunk in drawn.items():
        (errand,) = decide(make_run(), TURN, Verdict.WRONG, suspect(), me=account)
        assert errand.chunk == chunk


def test_answers_come_before_everything_else() -> None:
    first = posted(ME, Status.CANCELLED, chunk=1, voters=1)
    errands = decide(make_run(first, posted(OTHER)), TURN, Verdict.RIGHT)
    assert [errand.kind for errand in errands] == ["answer", "slash"]


# ---------------------------------------------------------------------- sums


def test_a_budget_counts_bonds_that_are_held_or_lost() -> None:
    block = BlockRef(1, bytes(32), 1)
    challenges = [
        posted(ME, Status.OPEN, chunk=0),
        posted(ME, Status.ANSWERED, chunk=1, bond=0),
        posted(ME, Status.EXECUTED, chunk=2),
        posted(ME, Status.EXECUTED, chunk=3, bond=0),  # it came back with the first slash
        posted(ME, Status.LAPSED, chunk=4, bond=0),
        posted(OTHER, Status.OPEN, chunk=5),
    ]
    events = [Challenged(block, c.round, c.chunk, c.challenger, HEIGHT, BOND, ROOT, 0) for c in challenges]
    assert compute_spent(make_run(*challenges), ME, events) == 3 * BOND
    assert compute_spent(make_run(*challenges), OTHER, events) == BOND


def test_a_height_is_safe_when_nothing_can_take_it_back() -> None:
    run = make_run()
    horizon = WINDOW + 2 * ANSWER
    assert compute_safe_height(run, 9_300 + horizon - 1) == 2
    assert compute_safe_height(run, 9_300 + horizon) == 3
    assert compute_safe_height(run, 0) == 0


def test_the_state_before_a_round_stands_or_not() -> None:
    run = make_run()  # heights 1 to 5 by rounds 5 to 9
    assert is_base_standing(run, 9, 5)
    assert is_base_standing(run, 10, 6), "an overturned round on the newest height"
    assert not is_base_standing(run, 8, 5), "height 4 was made again, later"
    assert not is_base_standing(run, 12, 7)
    assert is_base_standing(run, 2, 1)


def test_a_round_has_made_its_height_whatever_the_ring_keeps() -> None:
    run = make_run(is_standing=False)
    assert has_made(run, 9, 5)
    assert not has_made(run, 8, 5)
    assert not has_made(run, 10, 6)


def test_a_bisection_takes_one_challenge_for_each_level_and_one_more() -> None:
    assert compute_answers_needed(make_run()) == 5
