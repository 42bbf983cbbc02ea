"""Challenges on the model: what an answer shows, and what an overturn takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.stage import NO_SUM, RULES, STRANGER, UNIT, Stage, operator_of, owner_of
from trainer.protocol.answers import State
from trainer.protocol.types import Phase, Status

OTHER = "0x" + "ee" * 20


def bend(chunk: int) -> Any:
    """Makes one parameter of a chunk wrong."""

    def change(state: State) -> State:
        wrong = state.copy()
        wrong[1024 * chunk + 7] += 1
        return wrong

    return change


@pytest.fixture
def stage() -> Stage:
    stage = Stage([5, 4, 3])
    stage.do("fund", STRANGER, value=100_000)
    stage.play([0, 1, 2])
    return stage


# ---------------------------------------------------------------------- answers


@pytest.mark.parametrize("chunk", range(3))
@pytest.mark.parametrize("most", [1, 400, 1 << 20])
def test_a_right_chunk_is_answered_in_any_number_of_parts(stage: Stage, chunk: int, most: int) -> None:
    stage.challenge(2, chunk, more=9)
    assert stage.run.credits[STRANGER] == 9
    stage.answer(2, chunk, sender=OTHER, most=most)
    assert stage.run.challenges[2, chunk].status is Status.ANSWERED
    assert (stage.run.credits[OTHER], stage.run.burnt) == (35, 35)
    assert stage.run.open_challenges == 0
    assert stage.fails("challenge", STRANGER, 2, 1, chunk, stage.run.get_root(1), value=70) == ("AlreadyChallenged",)
    stage.check()
    stage.check_replay()


def test_parts_carry_their_sums(stage: Stage) -> None:
    found = stage.build(2, 1)
    parts = found.split(300)
    assert [part.sums.next for part in parts] == [0, 1, 2]
    assert [part.sums.weight for part in parts] == [0, 5, 9]
    assert parts[0].sums == NO_SUM
    assert found.split(1 << 20)[0].gradients == b"".join(part.gradients for part in parts)


def test_every_piece_of_an_answer_is_checked(stage: Stage) -> None:
    stage.challenge(2, 1)
    found = stage.build(2, 1)
    data = b"".join(seat.data for seat in found.seats)
    old, path, new = found.old_chunk, found.old_path, found.new_path

    def fails(*args: Any) -> tuple[Any, ...]:
        return stage.fails("answer", OTHER, 2, 1, *args)

    flipped = bytes([data[0] ^ 1]) + data[1:]
    assert fails(NO_SUM, data, old[1:], path, new) == ("WrongLength",)
    assert fails(NO_SUM, data, old, path + bytes(32), new) == ("WrongLength",)
    assert fails(NO_SUM, data, bytes([1]) + old[1:], path, new) == ("WrongOldState",)
    assert fails(NO_SUM, data[1:], old, path, new) == ("WrongLength",)
    assert fails(NO_SUM, flipped, old, path, new) == ("WrongGradient", 0)
    assert fails(NO_SUM, data + found.seats[0].data, old, path, new) == ("WrongLength",)
    assert fails(NO_SUM, found.seats[0].data, old, path, new) == ("SeatMissing", 1)
    assert fails(NO_SUM, data, old, path, bytes(len(new))) == ("WrongNewState",)
    sums = found.split(1)[1].sums
    assert fails(sums, data, old, path, new) == ("WrongProgress",)
    stage.do("answer_part", STRANGER, 2, 1, NO_SUM, found.seats[0].data)
    assert fails(sums, data, old, path, new) == ("WrongProgress",)  # another's
    assert stage.fails("answer", OTHER, 2, 2, NO_SUM, data, old, path, new) == ("WrongStatus", 0)


def test_nothing_else_can_be_challenged(stage: Stage) -> None:
    root = stage.run.get_root(1)

    def fails(*args: Any, value: int = 70) -> tuple[Any, ...]:
        return stage.fails("challenge", STRANGER, *args, value=value)

    assert fails(2, 2, 0, root) == ("NotStanding", 2)
    assert fails(3, 1, 0, root) == ("NotStanding", 3)
    assert fails(2, 1, 0, root[:31] + b"\0") == ("WrongRoot", root[:26])
    assert fails(2, 1, 3, root) == ("NoSuchChunk", 3)
    assert fails(2, 1, 0, root, value=69) == ("BondTooLow", 70)
    stage.challenge(2)
    assert fails(2, 1, 1, root, value=139) == ("BondTooLow", 140)
    final = stage.run.finals[0]
    stage.pass_time(RULES.challenge_window)
    assert fails(2, 1, 1, root) == ("TooLate", final.block.time + RULES.challenge_window)
    assert fails(0, 0, 0, RULES.genesis_root) == ("TooLate", RULES.challenge_window)


def test_a_seat_that_did_not_reveal_cannot_be_answered_for() -> None:
    stage = Stage([5, 5, 1])
    stage.open()
    for seat in range(3):
        stage.commit(seat)
    for seat in range(2):
        stage.reveal(seat)
    stage.wait_for(Phase.VOTE)
    state = stage.compute_next(2, 0b111)
    for seat in range(2):
        stage.vote(seat, 0b111, state)
    stage.states[1] = state
    stage.challenge(2)
    found = stage.build(2, 0)
    data = b"".join(seat.data for seat in found.seats)
    args = NO_SUM, data, found.old_chunk, found.old_path, found.new_path
    assert stage.fails("answer", OTHER, 2, 0, *args) == ("NotRevealed", 2)


# ---------------------------------------------------------------------- overturns


def test_an_overturn_takes_the_round_and_all_since_then(stage: Stage) -> None:
    run = stage.run
    wrong = stage.play([0, 1, 2], bend=bend(2))
    later = stage.play([0, 1, 2])
    assert run.height == 3
    streak = run.compute_streak(0, 3)
    assert streak == 3
    stage.challenge(wrong, 2)
    stage.pass_time(RULES.answer_window)
    stage.do("overturn", OTHER, wrong, 2)
    assert run.height == len(run.finals) == 1
    assert run.get_root(1) == run.rounds[2].final.state_root  # type: ignore[union-attr]
    assert [run.rounds[r].overturned for r in (2, wrong, later, later + 1)] == [False, True, True, True]
    assert stage.phase() is Phase.FINAL
    assert run.misses_from == later + 2
    assert [seat.named for seat in run.seats.values()] == [1, 1, 1]
    assert run.next_active == 0
    # Nobody trains on from what it had: all begin cold.
    assert [run.compute_streak(0, height) for height in (0, 1)] == [0, 0]
    assert stage.fails("activate", operator_of(0), 0) == ("NamedByOverturn", 1)
    assert stage.fails("open_round", OTHER) == ("TooLittleWeight", 0, 6)
    assert stage.fails("slash", OTHER, wrong, 2, 0)[0] == "TooEarly"
    stage.pass_time(RULES.answer_window)
    for seat in range(3):
        stage.do("slash", OTHER, wrong, 2, seat)
    assert [seat.next_weight for seat in run.seats.values()] == [2, 2, 1]
    assert run.credits[STRANGER] == 70 + 70  # the bond, and a prize that is half of the first slash at most
    assert run.burnt == 7 * UNIT - 70
    assert stage.fails("slash", OTHER, wrong, 2, 0) == ("NotNamed",)
    stage.check()
    stage.check_replay()
    for seat in range(3):
        stage.do("activate", operator_of(seat), seat)
    again = stage.play([0, 1, 2])
    assert run.finals[1].round == again
    assert [run.compute_streak(0, height) for height in (1, 2)] == [0, 1]
    stage.pass_time(RULES.horizon)
    stage.do("settle", OTHER, [0, 1, 2], 10)
    assert [seat.settled_to for seat in run.seats.values()] == [2, 2, 2]
    # Height 1 with the weight of then, height 2 once, with what is left.
    assert run.credits[owner_of(0)] == 1_000 * 5 // 12 + 1_000 * 2 // 5
    stage.check()
    stage.check_replay()


def test_a_late_answer_saves_the_stakes_and_not_the_round(stage: Stage) -> None:
    stage.challenge(2)
    stage.pass_time(RULES.answer_window)
    stage.do("overturn", OTHER, 2, 0)
    assert stage.run.height == 0
    stage.answer(2, sender=OTHER)
    assert stage.run.challenges[2, 0].status is Status.CANCELLED
    assert stage.run.height == 0
    for seat in range(3):
        stage.do("slash", OTHER, 2, 0, seat)
    assert [seat.next_weight for seat in stage.run.seats.values()] == [5, 4, 3]
    stage.check()
    stage.check_replay()


def test_a_vote_for_an_interrupted_round_comes_too_late(stage: Stage) -> None:
    stage.challenge(2)
    stage.pass_time(1)
    round_id = stage.open()
    for seat in range(3):
        stage.commit(seat)
    stage.wait_for(Phase.REVEAL)
    for seat in range(3):
        stage.reveal(seat)
    stage.wait_for(Phase.VOTE)
    stage.vote(0, 1, stage.states[1])
    stage.pass_time(RULES.answer_window - 8)
    assert stage.run.rounds[2].final
    wait = stage.run.challenges[2, 0].time + RULES.answer_window - stage.time
    stage.do("overturn", OTHER, 2, 0, after=max(1, wait))
    root = bytes(32)
    args = round_id, 1, stage.anchor(), 1, 0, root
    assert stage.fails("vote", operator_of(1), *args) == ("RoundClosed",)
    stage.check_replay()


def test_a_challenge_that_nobody_executes_lapses(stage: Stage) -> None:
    stage.challenge(2)
    end = stage.run.challenges[2, 0].time + 2 * RULES.answer_window
    assert stage.fails("lapse", OTHER, 2, 0) == ("TooEarly", end)
    stage.pass_time(2 * RULES.answer_window)
    assert stage.fails("overturn", OTHER, 2, 0) == ("TooLate", end)
    stage.do("lapse", OTHER, 2, 0)
    assert stage.run.credits[STRANGER] == 70
    assert stage.run.height == 1


def test_a_challenge_of_a_round_that_another_overturn_took_lapses_at_once(stage: Stage) -> None:
    later = stage.play([0, 1, 2], bend=bend(0))
    stage.challenge(2)
    stage.challenge(later, 0)
    stage.pass_time(RULES.answer_window)
    stage.do("overturn", OTHER, 2, 0)
    assert stage.fails("overturn", OTHER, later, 0) == ("NotStanding", later)
    stage.do("lapse", OTHER, later, 0)
    stage.check()


# ---------------------------------------------------------------------- what an overturn means for single seats


def overturn(stage: Stage, round_id: int) -> None:
    stage.challenge(round_id)
    stage.pass_time(RULES.answer_window)
    stage.do("overturn", OTHER, round_id, 0)


def test_who_joined_above_the_fall_is_paid_from_there_on(stage: Stage) -> None:
    wrong = stage.play([0, 1, 2])
    seat = stage.join(9)
    assert stage.run.seats[seat].settled_to == 2
    overturn(stage, wrong)
    assert stage.run.seats[seat].settled_to == 1
    stage.do("activate", operator_of(seat), seat, after=RULES.activate_delay)
    stage.answer(wrong)
    for voter in range(3):
        stage.do("slash", OTHER, wrong, 0, voter)
        stage.do("activate", operator_of(voter), voter, after=RULES.activate_delay)
    stage.play([0, 1, 2, seat])
    stage.pass_time(RULES.horizon)
    stage.do("settle", OTHER, [seat], 9)
    assert stage.run.credits[owner_of(seat)] == 1_000 * 9 // 21
    stage.check_replay()


def test_half_of_a_slash_is_the_most_that_is_won() -> None:
    stage = Stage([9, 1])
    overturn(stage, stage.play([0, 1]))
    stage.do("slash", OTHER, 2, 0, 1, after=RULES.answer_window)
    assert stage.run.credits[STRANGER] == 70 + 50
    assert stage.run.seats[1].has_left  # nothing was kept
    stage.do("slash", OTHER, 2, 0, 0)
    assert stage.run.credits[STRANGER] == 70 + 70
    stage.check()


def test_who_is_named_takes_nothing_out(stage: Stage) -> None:
    stage.do("leave", owner_of(2), 2)
    overturn(stage, 2)
    stage.pass_time(RULES.horizon)
    assert stage.fails("withdraw", owner_of(2), 2, STRANGER) == ("NamedByOverturn", 1)
    stage.do("slash", OTHER, 2, 0, 2)
    stage.do("withdraw", owner_of(2), 2, STRANGER)
    assert stage.paid == 1 * UNIT
    stage.check()


def test_rounds_that_an_overturn_took_count_no_misses() -> None:
    stage = Stage([5, 4, 1])
    rounds = [stage.play([0, 1]) for _ in range(4)]
    stage.challenge(rounds[3])
    stage.pass_time(RULES.answer_window)
    stage.do("overturn", OTHER, rounds[3], 0)
    assert stage.fails("bench", STRANGER, 2, rounds[1]) == ("NotMissed", rounds[1])
    assert stage.run.seats[2].is_activated
