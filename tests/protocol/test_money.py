"""Pay, the pool, accusations and membership on the model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol.stage import OWNER, RULES, STRANGER, UNIT, Stage, operator_of, owner_of
from trainer.protocol.messages import Invitation
from trainer.protocol.records import ZERO_ADDRESS
from trainer.protocol.types import Phase

MEMBER = "0x" + "77" * 20


@pytest.fixture
def stage() -> Stage:
    return Stage([5, 4, 3])


def pay(weight: int, base: int, is_checker: bool = False) -> int:
    return RULES.reward_per_round * weight // base + is_checker * (RULES.check_reward * weight // base)


# ---------------------------------------------------------------------- pay


def test_who_was_accepted_and_voted_is_paid_when_it_is_safe(stage: Stage) -> None:
    stage.do("fund", STRANGER, value=5_000)
    stage.play([0, 1, 2], voters=[0, 1], checked=0b110)
    final = stage.run.finals[0]
    assert stage.do("settle", STRANGER, [0], 9) == []
    stage.do("settle", STRANGER, [0, 1, 2], 9, after=final.block.time + RULES.horizon - stage.time)
    assert stage.run.credits[owner_of(0)] == pay(5, 12)
    assert stage.run.credits[owner_of(1)] == pay(4, 12, is_checker=True)
    assert owner_of(2) not in stage.run.credits or stage.run.credits[owner_of(2)] == 0
    assert [seat.settled_to for seat in stage.run.seats.values()] == [1, 1, 1]
    assert stage.do("settle", STRANGER, [0, 1, 2], 9) == []
    stage.do("claim", owner_of(1), STRANGER)
    assert stage.fails("claim", owner_of(1), STRANGER) == ("NothingToClaim",)
    assert stage.fails("settle", STRANGER, [1, 1], 9) == ("NotAscending",)
    stage.check()
    stage.check_replay()


def test_a_pay_that_the_pool_does_not_hold_waits(stage: Stage) -> None:
    stage.play([0, 1, 2])
    stage.play([0, 1, 2])
    stage.do("fund", STRANGER, value=pay(4, 12))
    stage.pass_time(RULES.horizon)
    stage.do("settle", STRANGER, [0, 1, 2], 9)
    assert [seat.settled_to for seat in stage.run.seats.values()] == [0, 1, 0]
    assert stage.run.pool == 0
    stage.do("fund", STRANGER, value=10_000)
    stage.do("settle", STRANGER, [0, 1, 2], 1)
    assert [seat.settled_to for seat in stage.run.seats.values()] == [1, 1, 1]  # one more height, from the lowest
    stage.do("settle", STRANGER, [0, 1, 2], 1)
    assert [seat.settled_to for seat in stage.run.seats.values()] == [2, 2, 2]
    stage.check_replay()


def test_nobody_is_paid_out_of_records_that_are_gone(stage: Stage) -> None:
    stage.do("fund", STRANGER, value=100_000)
    for _ in range(RULES.ring + 1):
        stage.play([0, 1, 2])
    assert stage.run.find_ballot(2) is None
    stage.pass_time(RULES.horizon)
    stage.do("settle", STRANGER, [0], 99)
    assert stage.run.seats[0].settled_to == RULES.ring + 1
    assert stage.run.credits[owner_of(0)] == RULES.ring * pay(5, 12)
    stage.check_replay()


def test_settling_who_nobody_is_changes_nothing_that_counts(stage: Stage) -> None:
    stage.play([0, 1, 2])
    stage.pass_time(RULES.horizon)
    stage.do("settle", STRANGER, [7, 300], 9)
    assert stage.do("settle", STRANGER, [7, 300], 9) == []
    assert stage.run.find_holder(7).settled_to == 1
    for _ in range(5):
        stage.join(1)
    assert stage.run.find_holder(7).owner == owner_of(7)
    stage.check_replay()


def test_what_is_left_of_an_ended_run_is_its_owners(stage: Stage) -> None:
    stage.do("fund", STRANGER, value=5_000)
    assert stage.fails("sweep", STRANGER, STRANGER) == ("NotRunOwner",)
    assert stage.fails("sweep", OWNER, STRANGER) == ("WrongPhase", int(Phase.IDLE))
    stage.play([0, 1, 2])
    stage.do("stop", OWNER)
    stage.wait_for(Phase.VOID, Phase.FINAL, Phase.COMMIT)
    assert stage.phase() is Phase.COMMIT  # the round that is open goes on
    assert stage.fails("sweep", OWNER, STRANGER) == ("WrongPhase", int(Phase.COMMIT))
    stage.wait_for(Phase.VOID)  # nobody commits, and the cap was started
    end = stage.run.stopped_at + RULES.horizon + RULES.settle_window
    assert stage.fails("sweep", OWNER, STRANGER) in [("TooEarly", end)]
    assert stage.fails("open_round", STRANGER) == ("RunStopped",)
    stage.do("sweep", OWNER, STRANGER, after=end - stage.time)
    assert stage.run.pool == 0
    stage.check()
    stage.check_replay()


# ---------------------------------------------------------------------- accusations


def accuse(stage: Stage, round_id: int, seat: int, accused: int, witness: int) -> None:
    root = stage.run.rounds[round_id].reveals[accused].gradient_root
    final = stage.run.rounds[round_id].final
    assert final
    stage.do("accuse", operator_of(seat), round_id, final.height, seat, accused, root, witness)


def test_more_than_half_of_the_others_take_what_is_not_safe(stage: Stage) -> None:
    stage.do("fund", STRANGER, value=50_000)
    stage.play([0, 1, 2])
    stage.pass_time(RULES.horizon)
    second, third = stage.play([0, 1, 2]), stage.play([0, 1, 2])
    accuse(stage, second, 2, 0, 1)
    assert stage.run.seats[0].is_activated
    accuse(stage, second, 1, 0, 1)  # 7 of the 7 that are not the accused
    seat = stage.run.seats[0]
    assert (seat.is_benched, seat.condemned_in) == (True, stage.run.clock.round)
    owed = RULES.check_reward * 4 // 12
    assert [c.left for c in seat.condemnations] == [owed]
    root = stage.run.rounds[third].reveals[0].gradient_root
    assert stage.fails("accuse", operator_of(2), third, 3, 2, 0, root, 0) == ("AlreadyCondemned", seat.condemned_in)
    stage.pass_time(RULES.horizon)
    stage.do("settle", STRANGER, [0, 1], 9)
    assert stage.run.credits[owner_of(0)] == pay(5, 12)  # the first height was safe
    assert stage.run.credits[owner_of(1)] == 3 * pay(4, 12) + owed
    assert stage.run.burnt == 2 * pay(5, 12) - owed
    stage.check()
    stage.check_replay()


def test_accusations_count_by_witness_and_once(stage: Stage) -> None:
    round_id = stage.play([0, 1, 2])
    accuse(stage, round_id, 2, 0, 1)
    accuse(stage, round_id, 2, 0, 2)
    assert stage.run.seats[0].is_activated
    root = stage.run.rounds[round_id].reveals[0].gradient_root
    assert stage.fails("accuse", operator_of(2), round_id, 1, 2, 0, root, 1) == ("AlreadyAccused",)
    assert stage.fails("accuse", operator_of(2), round_id, 1, 2, 2, root, 1) == ("SelfAccused",)
    assert stage.fails("accuse", operator_of(2), round_id, 2, 2, 0, root, 1) == ("NotStanding", round_id)
    assert stage.fails("accuse", operator_of(2), round_id, 1, 2, 0, bytes(32), 1) == ("WrongGradient", 0)
    end = stage.run.finals[0].block.time + RULES.horizon
    stage.pass_time(RULES.horizon)
    assert stage.fails("accuse", operator_of(2), round_id, 1, 2, 0, root, 1) == ("TooLate", end)


# ---------------------------------------------------------------------- membership


def admit(stage: Stage, account: str, invitation: Invitation, owner: str = OWNER, key: str = STRANGER) -> None:
    stage.do("admit", STRANGER, account, invitation, lambda digest: owner, lambda digest: key)


def test_a_run_by_invitation() -> None:
    stage = Stage([], replace(RULES, invitation_only=True))
    join = 2, operator_of(0), bytes(32), ""
    assert stage.fails("join", MEMBER, *join, value=2 * UNIT) == ("NotInvited",)
    end = 1 << 40
    named, bearer = Invitation(MEMBER, ZERO_ADDRESS, end, 0), Invitation(ZERO_ADDRESS, STRANGER, end, 0)

    def fails(account: str, invitation: Invitation, owner: str = OWNER, key: str = STRANGER) -> tuple[object, ...]:
        return stage.fails("admit", STRANGER, account, invitation, lambda digest: owner, lambda digest: key)

    assert fails(MEMBER, named, owner=STRANGER) == ("BadSignature",)
    assert fails(STRANGER, named) == ("NotInvited",)
    assert fails(MEMBER, bearer, key=OWNER) == ("BadSignature",)
    assert fails(MEMBER, Invitation(MEMBER, ZERO_ADDRESS, 5, 0)) == ("TooLate", 5)
    assert fails(MEMBER, Invitation(ZERO_ADDRESS, ZERO_ADDRESS, end, 0), key=ZERO_ADDRESS) == ("BadSignature",)
    admit(stage, MEMBER, named)
    assert fails(MEMBER, named) == ("AlreadyUsed",)
    admit(stage, MEMBER, bearer)
    stage.do("join", MEMBER, *join, value=2 * UNIT)
    stage.do("join", MEMBER, *join, value=2 * UNIT)
    assert stage.fails("join", MEMBER, *join, value=2 * UNIT) == ("NotInvited",)
    assert stage.run.has_sat == {MEMBER}
    assert stage.fails("revoke", STRANGER, 0) == ("NotRunOwner",)
    assert stage.fails("revoke", OWNER, 9) == ("NoSeat",)
    stage.do("revoke", OWNER, 0)
    assert stage.fails("revoke", OWNER, 0) == ("HasLeft",)
    stage.check_replay()


def test_an_open_run_revokes_nobody(stage: Stage) -> None:
    assert stage.fails("revoke", OWNER, 0) == ("OpenToAll",)


def test_a_bid_gives_its_invitation_back() -> None:
    stage = Stage([], replace(RULES, invitation_only=True))
    for nonce in range(257):
        admit(stage, MEMBER, Invitation(MEMBER, ZERO_ADDRESS, 1 << 40, nonce))
    for _ in range(256):
        stage.do("join", MEMBER, 1, operator_of(0), bytes(32), "", value=UNIT)
    stage.do("bid", MEMBER, 5, 3, value=3 * UNIT)
    assert stage.run.invitations[MEMBER] == 0
    assert stage.fails("bid", MEMBER, 6, 3, value=3 * UNIT) == ("NotInvited",)
    stage.do("bid", MEMBER, 5, 7, value=7 * UNIT)  # outbids itself
    stage.do("withdraw_bid", MEMBER, 5)
    assert stage.run.invitations[MEMBER] == 1
    stage.check_replay()


def test_group_keys_are_numbered(stage: Stage) -> None:
    assert stage.fails("announce_group_key", STRANGER, bytes(32)) == ("NotRunOwner",)
    stage.do("announce_group_key", OWNER, bytes(32))
    stage.open()
    stage.do("announce_group_key", OWNER, bytes(32))
    assert [(key.epoch, key.from_round) for key in stage.run.group_keys] == [(1, 2), (2, 3)]


def test_a_run_stops_for_ever(stage: Stage) -> None:
    stage.play([0, 1, 2])
    stage.do("stop", OWNER)
    assert stage.fails("stop", OWNER) == ("RunStopped",)
    stage.play([0, 1, 2])  # the open round goes on
    assert stage.run.height == 2
    assert stage.phase() is Phase.FINAL
    assert stage.fails("open_round", STRANGER) == ("RunStopped",)
    assert stage.fails("join", MEMBER, 2, operator_of(0), bytes(32), "", value=2 * UNIT) == ("RunStopped",)


def test_the_weight_of_the_accused_does_not_protect_it(stage: Stage) -> None:
    round_id = stage.play([0, 1, 2])
    accuse(stage, round_id, 1, 0, 0)  # 4 of the 7 others
    assert stage.run.seats[0].is_benched
    assert [c.left for c in stage.run.seats[0].condemnations] == [0]  # no witness
