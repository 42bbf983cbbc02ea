"""The state machine by itself: phases and fractions, and what holds in every recorded run (tests/differential compares
those with the contract).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.differential.operations import DEFAULTS, SAME_BLOCK, Sequence, Step, load_sequences, word
from tests.differential.scene import Scene
from trainer.protocol import keychain
from trainer.protocol.constants import MAX_STRETCH
from trainer.protocol.contract import Revert
from trainer.protocol.events import Committed, Joined, Revealed, RoundFinal, RoundOpened
from trainer.protocol.messages import Domains
from trainer.protocol.phases import (
    Clock,
    compute_base,
    compute_commit_end,
    compute_phase,
    is_third,
    is_two_thirds,
    stretched,
)
from trainer.protocol.run_state import RunState
from trainer.protocol.types import NO_END, BlockRef, Event, Phase

DOMAINS = Domains.of(1, "0x" + "22" * 20)
OPENED = 1000

# ---------------------------------------------------------------------- fractions


@given(st.integers(0, 65_280), st.integers(1, 65_280))
def test_fractions_are_strict_and_never_floored(weight: int, base: int) -> None:
    assert is_two_thirds(weight, base) == (weight * 3 - base * 2 > 0)
    assert is_third(weight, base) == (weight > base / 3)


@pytest.mark.parametrize(
    ("active", "seated", "least", "base"), [(5, 9, 1, 5), (5, 11, 1, 6), (0, 1, 1, 1), (3, 4, 9, 9)]
)
def test_the_base_is_at_least_half_of_the_seated_weight_rounded_up(
    active: int, seated: int, least: int, base: int
) -> None:
    assert compute_base(active, seated, least) == base


def test_windows_grow_by_half_and_are_rounded_down() -> None:
    assert [stretched(10, stretch) for stretch in range(MAX_STRETCH + 1)] == [10, 15, 22, 33, 50]
    assert stretched(1, 1) == 1


# ---------------------------------------------------------------------- phases


def clock_of(**changes: int | bool) -> Clock:
    return replace(Clock(2, 0, OPENED, NO_END, 0, 0, 12, 12, 0, 0, 7, False), **changes)  # type: ignore[arg-type]


def test_phases_are_half_open() -> None:
    clock = clock_of(commit_end=1020, committed=12, revealed=9)
    p = replace(DEFAULTS, reveal_window=12, vote_window=20)
    found = [(time, *compute_phase(clock, p, time)) for time in (1019, 1020, 1031, 1032, 1051, 1052)]
    assert found == [
        (1019, Phase.COMMIT, 1020),
        (1020, Phase.REVEAL, 1032),
        (1031, Phase.REVEAL, 1032),
        (1032, Phase.VOTE, 1052),
        (1051, Phase.VOTE, 1052),
        (1052, Phase.VOID, NO_END),
    ]


def test_exactly_two_thirds_revealed_is_void() -> None:
    assert compute_phase(clock_of(commit_end=1020, revealed=8), DEFAULTS, 1040)[0] is Phase.VOID
    assert compute_phase(clock_of(commit_end=1020, revealed=9), DEFAULTS, 1040)[0] is Phase.VOTE


def test_all_revealed_ends_the_phase_and_starts_the_vote() -> None:
    clock = clock_of(commit_end=1020, revealed=12, reveal_end=1025)
    assert compute_phase(clock, DEFAULTS, 1025) == (Phase.VOTE, 1025 + DEFAULTS.vote_window)


clocks = st.builds(
    clock_of,
    commit_end=st.integers(OPENED, OPENED + 100),
    reveal_end=st.sampled_from([0, 1150]),
    stretch=st.integers(0, MAX_STRETCH),
    revealed=st.integers(0, 12),
)


@given(clocks, st.integers(0, 700), st.integers(0, 700))
def test_time_alone_never_turns_a_phase_back(clock: Clock, one: int, other: int) -> None:
    order = [Phase.COMMIT, Phase.REVEAL, Phase.VOTE, Phase.VOID]
    early, late = (compute_phase(clock, DEFAULTS, OPENED + time)[0] for time in sorted((one, other)))
    assert order.index(early) <= order.index(late)


def end_after(*commits: tuple[int, int], stretch: int = 0) -> int:
    """End of the commit phase after (time, committed weight) in turn; base and active weight are 12."""
    p = replace(DEFAULTS, commit_min=10, grace=3, commit_cap=25)
    clock = clock_of(stretch=stretch)
    for time, committed in commits:
        clock.committed = committed
        clock.commit_end = compute_commit_end(clock, p, OPENED + time)
    return clock.commit_end - OPENED if clock.commit_end != NO_END else NO_END


def test_a_third_starts_no_clock_and_more_than_a_third_starts_the_cap() -> None:
    assert end_after((4, 4)) == NO_END
    assert end_after((4, 5)) == 29
    assert end_after((4, 5), (6, 8)) == 29  # the cap runs from the third, not from the last commit


def test_two_thirds_leave_the_grace_but_never_less_than_the_promise() -> None:
    assert end_after((1, 9)) == 10  # opening + commitMin
    assert end_after((9, 9)) == 12  # + grace
    assert end_after((4, 5), (27, 9)) == 29  # never past the cap
    assert end_after((9, 9), (11, 10)) == 12  # a later commit extends nothing


def test_all_end_the_phase_at_once() -> None:
    assert end_after((4, 12)) == 4
    assert end_after((9, 9), (11, 12)) == 11


def test_void_rounds_stretch_all_of_it() -> None:
    assert end_after((1, 5), stretch=1) == 1 + 37
    assert end_after((1, 9), stretch=1) == 15
    assert end_after((20, 9), stretch=1) == 24


# ---------------------------------------------------------------------- what every run keeps

SEQUENCES = list(load_sequences())


class Player:
    """Plays a recorded sequence on the model alone."""

    def __init__(self, sequence: Sequence) -> None:
        self.scene = Scene(sequence.all_parameters, 1, "0x" + "22" * 20, lambda number: word("block", number))
        self.sequence = sequence
        self.events: list[Event] = []
        self.number, self.time = 1000, 1_000_000
        self.scene.started = self.time

    def play(self) -> Iterator[tuple[Step, str]]:
        """Each step and the name of its error."""
        for step in self.sequence.steps:
            if step.delay != SAME_BLOCK:
                self.number, self.time = self.number + 1, self.time + step.delay
            if step.kind == "mine":
                self.number += step.args[0] - 1
                continue
            try:
                self.events += self.scene.apply(step, self.number, self.time)
                yield step, ""
            except Revert as revert:
                yield step, revert.name


def check_sums(state: RunState) -> None:
    seats = state.seats.values()
    holders = [seat for seat in (*seats, *state.former.values()) if not seat.withdrawn]
    stakes = sum(seat.next_weight for seat in holders) + sum(bid.weight for bid in state.bids.values())
    assert state.staked == stakes * state.parameters.weight_unit
    assert min([state.pool, state.burnt, state.bonds, *state.credits.values()], default=0) >= 0
    assert state.seated == sum(seat.next_weight for seat in seats if not seat.has_left)
    assert state.next_active == sum(seat.next_weight for seat in seats if seat.is_activated)
    assert state.clock.revealed <= state.clock.committed <= state.clock.active <= state.clock.base
    assert state.height == len(state.finals) <= state.parameters.total_heights


@pytest.mark.parametrize("part", range(4))
def test_recorded_runs_keep_their_sums_and_say_what_was_recorded(part: int) -> None:
    for sequence in SEQUENCES[1 + part :: 4]:
        player = Player(sequence)
        for step, error in player.play():
            assert error == step.expected, (sequence.name, step)
            check_sums(player.scene.state)


def describe(state: RunState) -> dict[str, object]:
    return {name: value for name, value in vars(state).items() if name not in ("parameters", "domains")}


def test_the_events_alone_give_the_state() -> None:
    for sequence in SEQUENCES:
        player = Player(sequence)
        for _ in player.play():
            pass
        again = RunState(player.scene.state.parameters, player.scene.domains)
        for event in player.events:
            again.apply(event)
        assert describe(again) == describe(player.scene.state)


def test_a_refused_operation_changes_nothing() -> None:
    for sequence in SEQUENCES[5::25]:
        player = Player(sequence)
        before = deepcopy(describe(player.scene.state))
        for _, error in player.play():
            if error:
                assert describe(player.scene.state) == before
            else:
                before = deepcopy(describe(player.scene.state))


def test_final_means_more_than_two_thirds_and_one_outcome_for_each_height() -> None:
    finals = 0
    for sequence in SEQUENCES:
        player = Player(sequence)
        for _ in player.play():
            pass
        state = player.scene.state
        assert [final.height for final in state.finals] == list(range(1, state.height + 1))
        for final in state.finals:
            record = state.rounds[final.round]
            assert is_two_thirds(record.tally, record.base)
            assert record.tally <= record.get_tally(record.final_outcome)  # late votes come on top
            assert record.height == final.height - 1
            assert set(record.votes) == set(record.vote_weights)
            finals += 1
    assert finals > 300


# ---------------------------------------------------------------------- keys and streaks


@given(st.lists(st.sampled_from(["good", "old", "none", "noise"]), min_size=1, max_size=30), st.integers(0, 3))
def test_a_nearer_tip_says_the_same_as_the_announced_one(conducts: list[str], announced: int) -> None:
    chain = keychain.KeyChain(sha256(b"secret").digest(), 60)
    state = RunState(DEFAULTS, DOMAINS)
    block = BlockRef(1, bytes(32), OPENED)
    state.apply(Joined(block, 0, "", "", 1, announced, chain.tip, ""))
    first = max(2, announced + 1)
    for round_id, conduct in enumerate(conducts, first):
        state.apply(RoundOpened(block, round_id, 0, 1, 1, 0, 0))
        if conduct == "none":
            continue
        state.apply(Committed(block, round_id, 0, bytes(32)))
        number = round_id - announced - 1
        key = {"good": chain.key(number), "old": chain.key(max(0, number - 1)), "noise": bytes(32)}[conduct]
        reveal = Revealed(block, round_id, 0, bytes(32), key, 0)
        state.apply(reveal)
        assert state.is_valid_key(reveal) == keychain.is_valid_key(chain.tip, announced, round_id, key)
        assert state.is_valid_key(reveal) == (conduct == "good" and round_id >= announced + 2)


def test_a_streak_counts_good_rounds_back_to_the_last_absence() -> None:
    state = RunState(DEFAULTS, DOMAINS)
    block = BlockRef(1, bytes(32), OPENED)
    state.finals = [
        RoundFinal(block, height + 1, height, accepted, 0, bytes(32), 0)
        for height, accepted in ((1, 3), (2, 1), (3, 3))
    ]
    assert [state.compute_streak(0, height) for height in range(4)] == [0, 1, 2, 3]
    assert [state.compute_streak(1, height) for height in range(4)] == [0, 1, 0, 1]
    assert state.compute_streak(2, 3) == 0


def test_the_next_opening_ignores_slots_of_void_rounds() -> None:
    """A void round's ballot frees its ring slot at once; a final one after horizon and settling."""
    busy = 0
    for sequence in SEQUENCES[1:40]:
        player = Player(sequence)
        for _ in player.play():
            state, p = player.scene.state, player.scene.state.parameters
            until = state.compute_next_opening()[2]
            slot = [r for r in state.rounds.values() if r.round % p.ring == state.next_round % p.ring and r.votes]
            last = max(slot, key=lambda record: record.round) if slot else None
            final = last.final if last else None
            assert until == (final.block.time + p.horizon + p.settle_window if final else 0)
            busy += until > 0
    assert busy
