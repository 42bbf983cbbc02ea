"""Seats that miss, change and move, on the model: benching, weights by round, operators, key chains, places."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.protocol.stage import RULES, STRANGER, UNIT, Stage, operator_of, owner_of
from trainer.protocol import keychain
from trainer.protocol.events import Joined, Revealed, RoundFinal, RoundOpened, TipAnnounced
from trainer.protocol.misses import compute_misses, find_missed
from trainer.protocol.types import FOREVER, BlockRef, Phase

HEAVY = owner_of(300)  # who bids


@pytest.fixture
def stage() -> Stage:
    return Stage([6, 5, 2])


# ---------------------------------------------------------------------- misses


def test_three_misses_bench_and_no_two(stage: Stage) -> None:
    stage.play([0, 1, 2])
    rounds = [stage.play([0, 1]) for _ in range(2)]
    assert compute_misses(stage.run, 2, stage.time) == rounds[:1]  # the last may still be voted for
    assert stage.fails("bench", STRANGER, 2, rounds[0]) == ("NotMissed", rounds[1])
    rounds.append(stage.play([0, 1]))
    assert stage.fails("bench", STRANGER, 2, rounds[0]) == ("NotMissed", rounds[2])
    stage.play([0, 1])
    assert find_missed(stage.run, 2, stage.time) == rounds[0]
    stage.do("bench", STRANGER, 2, rounds[0])
    seat = stage.run.seats[2]
    assert (seat.is_benched, seat.has_left, seat.until) == (True, False, stage.run.clock.round)
    assert stage.run.next_active == 11
    assert stage.fails("bench", STRANGER, 2, rounds[0]) == ("NotActive", 2, stage.run.clock.round)
    stage.check_replay()


def test_who_votes_late_missed_nothing(stage: Stage) -> None:
    rounds = [stage.play([0, 1, 2], voters=[0, 1, 2] if k == 1 else [0, 1]) for k in range(4)]
    assert stage.fails("bench", STRANGER, 2, rounds[0]) == ("NotMissed", rounds[1])


def test_a_void_round_is_missed_by_who_did_not_commit(stage: Stage) -> None:
    for _ in range(3):
        stage.open()
        stage.commit(0)
        stage.commit(1)
        stage.wait_for(Phase.VOID)
    stage.do("bench", STRANGER, 2, 2)
    stage.do("bench", STRANGER, 0, 2)  # it committed and did not reveal
    assert stage.run.next_active == 5
    assert stage.fails("bench", STRANGER, 1, 3) == ("NotMissed", 5)  # not yet


def test_benched_in_the_open_round_and_back_at_once(stage: Stage) -> None:
    for _ in range(5):
        stage.play([0, 1])
    first = stage.run.seats[2].from_round
    stage.do("bench", STRANGER, 2, 2 + 1)
    assert stage.fails("activate", operator_of(2), 2)[0] == "TooEarly"
    stage.pass_time(RULES.activate_delay)
    stage.do("activate", operator_of(2), 2)
    seat = stage.run.seats[2]
    assert (seat.from_round, seat.until, seat.misses_from) == (first, FOREVER, stage.run.next_round)
    assert stage.fails("bench", STRANGER, 2, 3) == ("NotMissed", 3)  # forgiven
    assert compute_misses(stage.run, 2, stage.time) == []
    stage.check_replay()


def test_benched_for_long_it_may_be_made_to_leave(stage: Stage) -> None:
    seat = stage.join(4)
    assert stage.fails("retire", STRANGER, 9) == ("NoSeat",)
    assert stage.fails("retire", STRANGER, 0) == ("AlreadyActive", 2)
    end = stage.run.seats[seat].ready_at + RULES.challenge_window + RULES.answer_window
    assert stage.fails("retire", STRANGER, seat) == ("TooEarly", end)
    stage.do("retire", STRANGER, seat, after=end - stage.time)
    assert stage.run.seats[seat].has_left
    assert stage.fails("retire", STRANGER, seat) == ("HasLeft",)
    assert stage.run.seated == 13


# ---------------------------------------------------------------------- changes


def test_a_top_up_counts_from_the_next_round_on(stage: Stage) -> None:
    stage.open()
    stage.do("top_up", owner_of(1), 1, 2, value=2 * UNIT)
    stage.do("top_up", owner_of(1), 1, 1, value=UNIT)  # in the same round
    seat = stage.run.seats[1]
    assert [seat.get_weight(r) for r in (2, 3)] == [5, 8]
    stage.play([0, 1, 2])
    assert stage.run.rounds[2].weights == {0: 6, 1: 5, 2: 2}
    stage.play([0, 1, 2])
    assert stage.run.rounds[3].weights == {0: 6, 1: 8, 2: 2}
    assert stage.fails("top_up", owner_of(1), 1, 1, value=UNIT) == ("Unsettled", 0)
    stage.do("fund", STRANGER, value=10_000)
    stage.pass_time(RULES.horizon)
    stage.do("settle", STRANGER, [1], 1)
    assert stage.run.is_settled(seat)  # the rounds before the change are
    stage.do("settle", STRANGER, [1], 1)
    assert stage.run.credits[owner_of(1)] == 1_000 * 5 // 13 + 1_000 * 8 // 16
    stage.do("top_up", owner_of(1), 1, 1, value=UNIT)
    assert stage.fails("top_up", owner_of(1), 1, 250, value=250 * UNIT) == ("BadWeight",)
    stage.check()
    stage.check_replay()


def test_a_new_operator_acts_from_the_next_round_on(stage: Stage) -> None:
    stage.open()
    stage.do("set_operator", owner_of(0), 0, STRANGER)
    assert stage.operator(0) == operator_of(0)
    stage.play([0, 1, 2])
    assert stage.operator(0) == STRANGER
    assert stage.run.seats[0].operator == operator_of(0)  # until it acts
    stage.play([0, 1, 2])
    assert stage.run.seats[0].operator == STRANGER
    # Named again within a round: the last counts, and who acts now does not change.
    stage.do("set_operator", owner_of(0), 0, operator_of(8))
    stage.do("set_operator", owner_of(0), 0, operator_of(9))
    assert stage.operator(0) == STRANGER
    assert stage.run.seats[0].get_operator(stage.run.next_round) == operator_of(9)
    stage.check_replay()


def test_a_new_chain_serves_two_rounds_later_and_the_old_one_up_to_then() -> None:
    old, new, newer = (keychain.KeyChain(sha256(name).digest(), 30) for name in (b"old", b"new", b"newer"))
    stage = Stage([1])
    run, block = stage.run, BlockRef(1, bytes(32), 10)
    run.apply(Joined(block, 1, "0x1", "0x1", 1, 0, old.tip, ""))
    run.seats[1].from_round = 2
    chains = {2: (old, 0), 3: (old, 0), 4: (old, 0), 5: (old, 0), 6: (newer, 4), 7: (newer, 4), 8: (newer, 4)}
    for round_id, (chain, announced) in chains.items():
        run.apply(RoundOpened(block, round_id, 0, 1, 1, 0, 0))
        if round_id == 4:
            run.apply(TipAnnounced(block, 1, 4, new.tip))
            run.apply(TipAnnounced(block, 1, 4, newer.tip))
        run.rounds[round_id].weights[1] = 1
        wrong = old if chain is not old else newer
        for candidate, is_valid in ((wrong, False), (chain, True)):
            key = candidate.key(round_id - (announced + 1))
            run.apply(Revealed(block, round_id, 1, bytes(32), key, 0))
            assert (1 in run.rounds[round_id].valid_keys) is is_valid, round_id
        assert run.seats[1].find_tip(round_id).announced == announced
    assert run.seats[1].announced == 4


# ---------------------------------------------------------------------- places


@pytest.fixture
def full() -> Stage:
    stage = Stage([6, 5, 2])
    for seat in range(3, 256):
        stage.join(1)
        stage.do("leave", owner_of(seat), seat)
    return stage


def test_a_place_goes_to_more_than_twice_the_weight(full: Stage) -> None:
    assert full.fails("join", STRANGER, 1, STRANGER, bytes(32), "", value=UNIT) == ("RunFull",)
    assert full.fails("bid", HEAVY, 2, 4, value=4 * UNIT) == ("BidTooLow", 2)
    assert full.fails("withdraw_bid", HEAVY, 2)[0] == "NotBidder"
    full.do("bid", HEAVY, 2, 5, value=5 * UNIT)
    assert full.fails("bid", STRANGER, 2, 10, value=10 * UNIT) == ("BidTooLow", 5)
    full.do("bid", STRANGER, 2, 11, value=11 * UNIT)
    assert full.run.credits[HEAVY] == 5 * UNIT
    full.check()
    ready = full.run.bids[2].ready_at
    assert full.fails("take_seat", STRANGER, 2, STRANGER, bytes(32), "") == ("TooEarly", ready)
    full.pass_time(RULES.activate_delay)
    full.open()
    full.commit(2)
    full.do("take_seat", STRANGER, 2, STRANGER, bytes(32), "")
    run = full.run
    assert (run.seats[2].owner, run.former[2].owner) == (STRANGER, owner_of(2))
    assert (run.seats[2].first, run.seats[2].is_activated) == (3, False)
    # The open round is the former holder's: it committed, reveals, votes and is paid.
    for seat in (0, 1):
        full.commit(seat)
    full.wait_for(Phase.REVEAL)
    for seat in range(3):
        full.reveal(seat)
    state = full.compute_next(2, 0b111)
    for seat in range(3):
        full.wait_for(Phase.VOTE)
        full.vote(seat, 0b111, state) if not run.rounds[2].final else full.do(
            "vote", operator_of(seat), 2, seat, full.anchor(), *args_of(run.rounds[2].final)
        )
        if run.rounds[2].final:
            break
    full.do("activate", STRANGER, 2)
    full.do("fund", STRANGER, value=10_000)
    full.pass_time(RULES.horizon)
    full.do("settle", STRANGER, [2, 258], 9)
    assert (run.credits[STRANGER], run.seats[2].settled_to, run.former[2].settled_to) == (0, 1, 1)
    full.do("withdraw", owner_of(2), 2, STRANGER)
    assert run.former[2].withdrawn
    full.check()
    full.check_replay()


def args_of(final: RoundFinal | None) -> tuple[int, int, bytes]:
    assert final
    return final.accepted, final.checked, final.state_root


def test_an_id_changes_hands_again_when_its_former_holder_is_free(full: Stage) -> None:
    for weight, bidder in ((5, HEAVY), (11, STRANGER)):
        full.do("bid", bidder, 2, weight, value=weight * UNIT)
        full.pass_time(RULES.activate_delay)
        if bidder == STRANGER:
            free = full.run.former[2].left_at + RULES.horizon + RULES.settle_window
            assert full.fails("take_seat", bidder, 2, bidder, bytes(32), "") == ("TooEarly", free)
            full.pass_time(free - full.time)
        full.do("take_seat", bidder, 2, bidder, bytes(32), "")
    assert full.run.credits[owner_of(2)] == 2 * UNIT
    assert full.run.former[2].owner == HEAVY
    full.check()
    full.check_replay()


def test_a_bid_that_nobody_uses_runs_out(full: Stage) -> None:
    full.do("bid", HEAVY, 2, 60, value=60 * UNIT)
    full.pass_time(RULES.activate_delay + RULES.challenge_window + RULES.answer_window)
    full.do("bid", STRANGER, 2, 5, value=5 * UNIT)
    assert full.run.bids[2].owner == STRANGER


def test_a_new_holder_has_no_streak_of_the_former_one(full: Stage) -> None:
    full.play([0, 1, 2])
    full.do("bid", HEAVY, 2, 5, value=5 * UNIT)
    full.play([0, 1, 2])
    assert full.run.compute_streak(2, 2) == 2
    full.do("take_seat", HEAVY, 2, operator_of(2), bytes(32), "")
    assert [full.run.compute_streak(2, height) for height in (1, 2)] == [0, 0]
    full.do("activate", HEAVY, 2)
    full.play([0, 1])
    full.play([0, 1, 2])
    assert full.run.compute_streak(2, 4) == 1


# ---------------------------------------------------------------------- departures


def test_the_cap_starts_where_too_little_is_left() -> None:
    stage = Stage([4, 4, 4, 1], replace(RULES, min_weight=1))
    stage.open()
    stage.do("leave", owner_of(3), 3)
    assert stage.run.compute_phase(stage.time)[1] == 0xFFFFFFFF
    stage.do("leave", owner_of(0), 0)
    assert stage.run.compute_phase(stage.time)[1] == 0xFFFFFFFF
    stage.do("leave", owner_of(1), 1)
    assert stage.run.compute_phase(stage.time)[1] == stage.time + RULES.commit_cap
    stage.check_replay()
