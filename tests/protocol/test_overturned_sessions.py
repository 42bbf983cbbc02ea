"""Sessions through an overturn: all fall back to the state that stands again, nobody goes on from what is gone, and who
had another opinion from the start goes on where the others come back to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.protocol.machine import PARAMETERS, Weather
from tests.protocol.simulation import Network
from tests.protocol.watch import Watch
from trainer.protocol import session
from trainer.protocol.acceptance import compute_members
from trainer.protocol.judgement import State, compute_next_state
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_state_root
from trainer.protocol.types import Status
from trainer.roles.follower import NextState

RULES = replace(
    PARAMETERS, challenge_window=400, answer_window=6, settle_window=6, ring=40, commit_min=25, total_heights=6
)


class Overturner:
    """Somebody who challenges the newest height at a tick, and whom nobody answers."""

    def __init__(self, network: Network, height: int) -> None:
        self.network, self.height = network, height
        self.round = 0

    def act(self) -> None:
        """After a tick."""
        state, errands = self.network.state, self.network.errands
        if not self.round and state.height >= self.height:
            final = state.finals[self.height - 1]
            self.round = final.round
            bond = state.next_bond
            errands.append(("challenge", (final.round, final.height, 0, final.state_root, bond)))
            return
        challenge = state.challenges.get((self.round, 0))
        if challenge is None:
            return
        time = self.network.blocks[-1].time + 1
        if challenge.status is Status.OPEN and time >= challenge.time + RULES.answer_window:
            errands.append(("overturn", (self.round, 0)))
        if challenge.status is Status.EXECUTED and time >= challenge.time + RULES.answer_window:
            errands.extend(("slash", (self.round, 0, seat)) for seat in sorted(compute_members(challenge.voters)))


def run(network: Network, overturner: Overturner, halting: frozenset[int] = frozenset()) -> None:
    watch = Watch(network, halting)
    for _ in network.run(1500):
        watch.look()
        overturner.act()
        if network.is_over and all(machine.done for machine in network.machines):
            return
    pytest.fail(f"not over: {network.state.clock}, {[machine.halted for machine in network.machines]}")


@pytest.mark.parametrize("height", [1, 2, 4])
def test_all_fall_back_and_go_on(height: int) -> None:
    network = Network([Weather(weight=4) for _ in range(4)], 3, RULES)
    overturner = Overturner(network, height)
    run(network, overturner)
    state = network.state
    assert state.height == RULES.total_heights
    assert state.rounds[overturner.round].overturned
    assert [seat.next_weight for seat in state.seats.values()] == [2] * 4
    assert len(state.cuts) == 1
    # What was trained after the fall began cold, whatever was accepted before.
    after = state.finals[height - 1].round
    for machine in network.machines:
        keys = {a.key.round: a.key for _, a in machine.log if isinstance(a, session.Seal)}
        assert keys[after].inner_round == 0
    assert any(
        action.key.inner_round
        for machine in network.machines
        for _, action in machine.log
        if isinstance(action, session.Seal) and action.key.round > after
    )


class Dissenting(Network):
    """All but seat 3 add wrong in the round that makes height 2."""

    def next_state(self, seat: int) -> NextState:
        if seat == 3:
            return compute_next_state

        def compute(run: RunState, round_id: int, state: State, bits: Mapping[int, bytes]) -> tuple[State, bytes]:
            following, root = compute_next_state(run, round_id, state, bits)
            if run.rounds[round_id].height != 1 or run.cuts:
                return following, root
            following = following.copy()
            following[0] += 1
            return following, compute_state_root(following)

        return compute


def test_who_was_right_waits_and_goes_on() -> None:
    network = Dissenting([Weather(weight=4) for _ in range(4)], 3, RULES)
    run(network, Overturner(network, 2), frozenset({3}))
    assert network.state.height == RULES.total_heights
    honest = network.machines[3]
    assert any(isinstance(action, session.Halt) for _, action in honest.log)
    assert [seat.next_weight for seat in network.state.seats.values()] == [2, 2, 2, 4]  # it did not vote for that
    assert honest.done
