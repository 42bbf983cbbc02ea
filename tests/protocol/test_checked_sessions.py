"""Whole runs with blind cross-checks: honest seats agree and are paid for it, lies and idleness are accused, and nobody
who is honest falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.machine import COUNT, PARAMETERS, RULES, Machine, Weather, train
from tests.protocol.simulation import Network
from tests.protocol.test_session import run_story, weathers
from tests.protocol.watch import Watch
from trainer.protocol.actions import Charge, TrainingKey
from trainer.protocol.checks import Draw
from trainer.protocol.events import Accused, Condemned
from trainer.protocol.money_events import find_condemnations
from trainer.protocol.run_state import RunState

LONG = replace(PARAMETERS, total_heights=9, commit_min=40, commit_cap=60)
ALL = replace(RULES, rate=1)  # everybody checks in every round
FRIENDS = 4


def play(
    spoil: Callable[[Machine], None] | None = None,
    weather: Weather = Weather(),  # noqa: B008 - frozen
    dishonest: frozenset[int] = frozenset(),
    seats: int = FRIENDS,
) -> Network:
    """A run of honest seats but for seat 0, which `spoil` changes."""
    network = Network([weather] + [Weather()] * (seats - 1), 0, LONG, ALL)
    if spoil:
        spoil(network.machines[0])
    run_story(network, dishonest=dishonest)
    return network


def condemned_in(network: Network) -> list[Condemned]:
    return [event for event in network.events if isinstance(event, Condemned)]


# ---------------------------------------------------------------------- honest


@settings(max_examples=60)
@given(st.lists(weathers, min_size=2, max_size=5), st.integers(0, 1000), st.integers(0, 30))
def test_honest_seats_agree_and_nobody_is_accused(weathers: list[Weather], seed: int, checking: int) -> None:
    network = Network([replace(weather, checking=checking) for weather in weathers], seed, LONG, ALL)
    Watch(network).run()
    assert network.state.height == LONG.total_heights


def test_in_a_calm_run_every_check_is_paid() -> None:
    """The seed of round r - 1 draws round r; the streak of one height is there from height 1 on."""
    finals = play().state.finals
    assert [final.checked for final in finals] == [0] + [0b1111] * (LONG.total_heights - 1)


def test_who_checks_slowly_commits_in_time_and_without_a_sample() -> None:
    network = play(weather=Weather(checking=200))
    assert all(final.accepted == 0b1111 for final in network.state.finals)
    assert not any(final.checked & 1 for final in network.state.finals)
    assert all(final.checked == 0b1110 for final in network.state.finals[1:])
    for record in network.state.rounds.values():
        commit = record.commits[0].block.time - record.opened.time
        assert commit <= LONG.commit_min * 3 // 4 + 2  # and two blocks


def test_the_commit_waits_for_the_sample_where_there_is_time() -> None:
    network = play(weather=Weather(checking=15))
    assert all(final.checked == 0b1111 for final in network.state.finals[1:])
    waits = [r.commits[0].block.time - r.opened.time for r in network.state.rounds.values()]
    assert max(waits[1:]) > 12


def test_who_counts_otherwise_diverges() -> None:
    """What is checked is voted: another rule is another outcome."""

    network = Network([Weather()] * FRIENDS, 0, LONG, ALL)
    odd = network.machines[1]
    start = odd._recover

    def recover() -> None:
        start()
        assert odd.follower
        odd.follower.rules = replace(ALL, sample=1, agreement=100, recheck=100, rate=1 << 32)

    odd._recover = recover  # type: ignore[method-assign]
    run_story(network, halting=frozenset({1}))
    assert odd.halted
    assert odd.halted.reason == "diverged"


# ---------------------------------------------------------------------- not honest


def be_lazy(machine: Machine) -> None:
    """Checks nobody, and writes something."""
    machine.make_sample = lambda draw: np.random.default_rng([draw.round]).bytes(512)  # type: ignore[method-assign]


def frame(machine: Machine) -> None:
    """Says of an honest seat that it did the opposite, and accuses it."""
    honest = machine.make_sample

    def lie(draw: Draw) -> bytes:
        return bytes(byte ^ 255 for byte in honest(draw))

    machine.make_sample = lie  # type: ignore[method-assign]


def cheat(machine: Machine) -> None:
    """Trains on other data, which the gate does not see."""
    machine.train = lambda key: train(replace(key, seed=bytes(32)), 0)  # type: ignore[method-assign]


@pytest.mark.parametrize("spoil", [be_lazy, frame])
def test_a_checker_that_lies_is_condemned_and_nobody_else(spoil: Callable[[Machine], None]) -> None:
    network = play(spoil, dishonest=frozenset({0}))
    fallen = condemned_in(network)
    assert fallen
    assert {(event.accused, event.witness, event.owed) for event in fallen} == {(0, 0, 0)}
    assert not any(final.checked & 1 for final in network.state.finals)
    loses(network.state, 0)


def test_a_seat_that_trains_on_other_data_is_condemned_by_its_checkers() -> None:
    network = play(cheat, dishonest=frozenset({0}))
    assert all(final.accepted & 1 for final in network.state.finals[:2])  # the gate lets it in
    fallen = condemned_in(network)
    assert fallen
    for event in fallen:
        assert event.accused == 0
        assert event.witness in {1, 2, 3}
        assert event.owed == LONG.check_reward * 1 // network.state.rounds[event.round].base
    loses(network.state, 0)


def loses(state: RunState, seat: int) -> None:
    """The condemnation covers rounds that the seat would have been paid for."""
    holder = state.seats[seat]
    assert any(find_condemnations(state, holder, height) for height in range(1, state.height + 1))


def test_one_seat_condemns_nobody() -> None:
    """It accuses an honest one outright."""

    def accuse(machine: Machine) -> None:
        judge = machine.judge_dispute

        def lie(tick: int) -> None:
            judge(tick)
            for final in machine.view.finals[-1:]:
                root = machine.view.rounds[final.round].reveals[1].gradient_root
                machine.disk.charges.add(Charge(final.round, final.height, 1, 0, root))

        machine.judge_dispute = lie  # type: ignore[method-assign]

    network = play(accuse, dishonest=frozenset({1}))
    assert {event.accuser for event in network.events if isinstance(event, Accused)} == {0}
    assert not condemned_in(network)


def test_accusations_outlast_lost_transactions_and_restarts() -> None:
    """Half of all transactions vanish, and each accuser is away for a while."""
    rules, long = replace(ALL, rate=2), replace(LONG, challenge_window=400, answer_window=50, ring=64)
    accusers = [Weather(lost=0.3, away=((60 + 9 * seat, 66 + 9 * seat),)) for seat in range(4)]
    network = Network([Weather(), *accusers], 3, long, rules)
    cheat(network.machines[0])
    Watch(network, dishonest=frozenset({0})).run()
    first = min(event.round for event in condemned_in(network))
    accused = [(event.accuser, event.round, event.witness) for event in network.events if isinstance(event, Accused)]
    assert len(accused) == len(set(accused))
    assert len([accuser for accuser, of, _ in accused if of == first]) >= 3


def bits_differ(a: bytes, b: bytes) -> int:
    return int(np.unpackbits(np.frombuffer(a, np.uint8) ^ np.frombuffer(b, np.uint8)).sum())


def test_the_cheat_is_one() -> None:
    """What `cheat` does passes for honest work with the gate, and differs in more than an honest machine does."""
    key = TrainingKey(2, 0, bytes(range(32)), bytes(32), 0)
    assert bits_differ(train(key, 0), train(replace(key, seed=bytes(32)), 0)) > COUNT // 5
