"""Whole runs of sessions, in every weather: they go on, they agree, and nobody says two things."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.protocol.machine import COUNT, PARAMETERS, Weather, train
from tests.protocol.simulation import Network
from tests.protocol.watch import PATIENCE, Watch
from trainer.protocol import session
from trainer.protocol.acceptance import compute_members
from trainer.protocol.events import Activated, Benched
from trainer.protocol.judgement import State, compute_next_state
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_state_root
from trainer.protocol.types import Phase
from trainer.roles.follower import NextState

LAST_FAULT = 150


def commits_of(network: Network, seat: int) -> list[int]:
    """Rounds in which a seat committed."""
    return [record.round for record in network.state.rounds.values() if seat in record.commits]


# ---------------------------------------------------------------------- any weather


@st.composite
def aways(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Up to two times away, from one tick to a hundred."""
    windows = draw(st.lists(st.tuples(st.integers(3, LAST_FAULT), st.integers(1, 100)), max_size=2))
    return tuple((start, start + length) for start, length in windows)


weathers = st.builds(
    Weather,
    weight=st.integers(1, 5),
    away=aways(),
    training=st.integers(1, 12),
    lag=st.integers(0, 2),
    mempool=st.integers(1, 3),
    fetch=st.integers(1, 4),
    lost=st.sampled_from([0.0, 0.0, 0.1, 0.3]),
    joins=st.sampled_from([0, 0, 0, 1, 40]),
    keeps_states=st.booleans(),
)


@settings(max_examples=150)
@example([Weather(training=1), Weather(training=1, joins=1)], 0)
@given(st.lists(weathers, min_size=1, max_size=6), st.integers(0, 1000))
def test_a_run_ends_and_all_agree_once_everybody_is_back(weathers: list[Weather], seed: int) -> None:
    network = Network(weathers, seed)
    Watch(network).run()
    assert network.state.height == PARAMETERS.total_heights
    assert all(machine.done for machine in network.machines[: len(network.state.seats)])


@settings(max_examples=100)
@given(
    st.lists(weathers, min_size=1, max_size=5),
    st.integers(0, 1000),
    st.dictionaries(st.integers(5, LAST_FAULT), st.integers(1, 6), max_size=4),
)
def test_a_run_survives_reorganisations(weathers: list[Weather], seed: int, depths: dict[int, int]) -> None:
    network = Network(weathers, seed)
    Watch(network).run(reorganisations=depths)
    assert network.state.height == PARAMETERS.total_heights


@settings(max_examples=40)
@given(st.lists(weathers, min_size=4, max_size=7), st.integers(0, 1000))
def test_a_run_goes_on_while_more_than_two_thirds_act(weathers: list[Weather], seed: int) -> None:
    """The last seats go for ever; what is left is more than two thirds."""
    total = sum(weather.weight for weather in weathers)
    staying: list[Weather] = []
    for weather in weathers:
        dies = (
            3 * (total - sum(w.weight for w in staying if w.away and w.away[-1][1] > 9999) - weather.weight) > 2 * total
        )
        staying.append(replace(weather, away=((60, 10**6),) if dies else (), joins=0))
    network = Network(staying, seed)
    watch = Watch(network)
    for _ in network.run(PATIENCE):
        watch.look()
        if network.is_over:
            return
    pytest.fail(f"stands still: {network.state.clock}")


# ---------------------------------------------------------------------- single stories


def run_story(network: Network, **watch: Any) -> int:
    return Watch(network, **watch).run()


def test_a_calm_run_wastes_nothing() -> None:
    network = Network([Weather()] * 4, 0)
    run_story(network)
    assert not network.reverts
    assert network.state.clock.round == PARAMETERS.total_heights + 1  # no void round
    sent = [(sent.kind, sent.round, sent.seat) for sent in network.sent]
    assert len(sent) == len(set(sent))
    assert [kind for kind, _, _ in sent].count("open") == 1


def test_speculation_saves_the_vote() -> None:
    """The next round's work begins with the vote, and what leaves the machine leaves after finality."""
    network = Network([Weather(training=9, mempool=3)] * 4, 0)
    run_story(network)
    for machine in network.machines:
        trained = {action.key: tick for tick, action in machine.log if isinstance(action, session.Train)}
        for tick, action in machine.log:
            if isinstance(action, session.Seal) and action.key.height:
                opened = network.state.rounds[action.key.round].opened
                assert trained[action.key] < opened.number <= tick


def test_a_silent_third_is_benched_and_comes_back_by_itself() -> None:
    """Two of five: without them no round is good. Three void rounds, and the others go on."""
    gone = Weather(weight=2, away=((25, 700),))
    network = Network([Weather(), Weather(), Weather(), gone], 0, replace(PARAMETERS, total_heights=60))
    Watch(network).run(4 * PATIENCE)
    (benched,) = (event for event in network.events if isinstance(event, Benched))
    assert benched.seat == 3
    stalled = [record for record in network.state.rounds.values() if record.final is None]
    assert [record.round for record in stalled][:3] == list(range(benched.last_round - 2, benched.last_round + 1))
    assert all(not record.commits.keys() & {3} for record in stalled)
    assert len([sent for _, sent in network.mined if sent.kind == "bench"]) == 1
    assert [event.seat for event in network.events if isinstance(event, Activated)].count(3) == 2
    assert network.state.finals[-1].accepted == 0b1111


def test_speculation_on_a_round_that_goes_void_is_thrown_away() -> None:
    """Two of four cannot vote: work for the next height is useless, that for the same one in a new round is not."""
    network = Network([Weather(), Weather(), Weather(away=((27, 75),)), Weather(away=((27, 75),))], 0)
    run_story(network)
    keys = [action.key for _, action in network.machines[0].log if isinstance(action, session.Train)]
    assert len({(key.round, key.height) for key in keys}) > len({key.height for key in keys})


LONG = replace(PARAMETERS, total_heights=12)


@pytest.mark.parametrize("keeps_states", [True, False])
@pytest.mark.parametrize("start", range(6, 46, 3))
def test_who_comes_back_is_accepted_within_two_rounds(start: int, keeps_states: bool) -> None:
    back = start + 37
    gone = Weather(away=((start, back),), keeps_states=keeps_states)
    network = Network([Weather(), Weather(), Weather(), Weather(), gone], 0, LONG)
    run_story(network)
    good = [record for record in network.state.rounds.values() if record.final and record.opened.number >= back]
    assert any((record.final.accepted >> 4) & 1 for record in good[:2] if record.final)
    assert all((record.final.accepted >> 4) & 1 for record in good[2:] if record.final)


@pytest.mark.parametrize("fetch", [1, 4, 7])
def test_two_seats_that_need_each_other_find_each_others_blobs(fetch: int) -> None:
    """The second commits last, which ends the phase: at a hurried reveal nobody would ever hold its blob."""
    network = Network([Weather(fetch=fetch), Weather(fetch=fetch, training=9, joins=1)], 0)
    run_story(network)
    assert network.state.finals[-1].accepted == 0b11


def test_two_who_join_a_lone_seat_in_its_first_round_do_not_stop_the_run() -> None:
    """They become active in a round that their tips do not serve, and that cannot end without their weight."""
    network = Network([Weather(), Weather(joins=7), Weather(joins=7)], 0)
    run_story(network)
    assert network.state.finals[-1].accepted == 0b111


def test_a_seat_that_joins_late_catches_up_and_takes_part() -> None:
    network = Network([*[Weather()] * 3, Weather(joins=45)], 0, LONG)
    run_story(network)
    assert commits_of(network, 3)
    assert network.state.finals[-1].accepted == 0b1111


def test_who_computes_another_state_halts_and_says_nothing_more() -> None:
    class Broken(Network):
        def next_state(self, seat: int) -> NextState:
            return compute_another if seat == 1 else compute_next_state

    network = Broken([Weather()] * 4, 0)
    run_story(network, halting=frozenset({1}))
    broken = network.machines[1]
    assert broken.halted == session.Halt("diverged", 2)
    first = network.state.finals[0].block.number
    assert not [sent for sent in network.sent if sent.seat == 1 and sent.round > 2]
    assert not [action for _, action in broken.log if isinstance(action, session.Adopt)]
    assert network.state.height == PARAMETERS.total_heights
    assert first < 40


def compute_another(run: RunState, round_id: int, state: State, bits: Any) -> tuple[State, bytes]:
    after, _ = compute_next_state(run, round_id, state, bits)
    after = after.copy()
    after[0] += 1
    return after, compute_state_root(after)


def test_a_lost_journal_after_a_commit_halts_the_seat() -> None:
    network = Network([Weather(), Weather(), Weather(training=20), Weather()], 0)
    watch = Watch(network, frozenset({0}))
    for _ in network.run(PATIENCE):
        watch.look()
        if network.state.current and 0 in network.state.current.commits:
            break
    network.machines[0].disk.works.clear()
    watch.run()
    assert network.machines[0].halted == session.Halt("key in use", 2)
    assert network.state.height == PARAMETERS.total_heights


class Withholding(Network):
    """Seat 0 gives its blobs to the seats in `friends` only, who pass them on when the reveal phase is over."""

    friends: frozenset[int] = frozenset()

    def is_served(self, holder: int, asker: int, digest: bytes) -> bool:
        record = self.state.current
        if record is None or 0 not in record.commits or record.commits[0].sealed_digest != digest:
            return True
        if asker in self.friends | {0}:
            return True
        return holder != 0 and self.state.compute_phase(self.blocks[-1].time)[0] is Phase.VOTE


@pytest.mark.parametrize(("friends", "is_accepted"), [({1}, False), ({1, 2}, True), (set(), False)])
def test_a_blob_given_to_some_costs_time_never_agreement(friends: set[int], is_accepted: bool) -> None:
    """Held by three of five at the reveal, the others get it later; held by two or fewer, it is not available for all
    alike.
    """
    network = Withholding([Weather(fetch=2)] * 5, 0)
    network.friends = frozenset(friends)
    run_story(network)
    assert [final.accepted & 1 for final in network.state.finals] == [is_accepted] * PARAMETERS.total_heights
    assert network.state.clock.round == PARAMETERS.total_heights + 1  # and no round is void


def test_a_round_is_replayed_from_the_accepted_blobs_when_the_rejected_are_gone() -> None:
    class Forgetful(Network):
        def is_served(self, holder: int, asker: int, digest: bytes) -> bool:
            accepted = {
                record.commits[seat].sealed_digest
                for record in self.state.rounds.values()
                if record.final
                for seat in compute_members(record.final.accepted)
            }
            return asker != 4 or digest in accepted

    flipper = Weather()
    network = Forgetful([Weather(), Weather(), Weather(), flipper, Weather(joins=100)], 0, LONG)
    network.machines[3].train = invert  # type: ignore[method-assign]
    run_story(network)
    assert all(not (final.accepted >> 3) & 1 for final in network.state.finals)
    judged = [action for _, action in network.machines[4].log if isinstance(action, session.Judge)]
    assert any(action.recorded for action in judged)


def invert(key: session.TrainingKey) -> bytes:
    bits = np.unpackbits(np.frombuffer(train(key, 3), np.uint8), count=COUNT, bitorder="little")
    return np.packbits(1 - bits, bitorder="little").tobytes().ljust(128, b"\0")
