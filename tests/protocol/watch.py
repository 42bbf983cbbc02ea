"""What must hold at every moment of a simulated run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from tests.protocol.machine import Machine
from tests.protocol.simulation import BENCH_RACES, RACES, Network
from trainer.protocol import session
from trainer.protocol.events import Accused
from trainer.protocol.tree import compute_state_root

PATIENCE = 2500  # ticks after which a run that is not over is taken to stand still


class Watch:
    """Checks a network after every tick."""

    def __init__(
        self, network: Network, halting: frozenset[int] = frozenset(), dishonest: frozenset[int] = frozenset()
    ) -> None:
        self.network, self.halting, self.dishonest = network, halting, dishonest
        self.looked_at = {machine.seat: 0 for machine in network.machines}

    def look(self) -> None:
        """After a tick."""
        for machine in self.network.machines:
            assert machine.halted is None or machine.seat in self.halting, machine.halted
            for _, action in machine.log[self.looked_at[machine.seat] :]:
                if isinstance(action, session.Seal):
                    self.check_seal(action)
            self.looked_at[machine.seat] = len(machine.log)
            self.check_state(machine)
        self.check_words()
        accused = {event.accused for event in self.network.events if isinstance(event, Accused)}
        assert accused <= self.dishonest, "an honest seat is accused"

    def check_seal(self, seal: session.Seal) -> None:
        """Nothing of a round is sealed before it has opened, from the state that is final."""
        record = self.network.state.rounds[seal.key.round]
        assert (seal.key.height, seal.key.seed) == (record.height, record.seed)
        assert seal.key.state_root == self.network.state.get_root(record.height)

    def check_state(self, machine: Machine) -> None:
        """Who stands at a height holds its state."""
        is_aware = machine.fork == self.network.fork and machine.seat not in self.halting
        if machine.follower and is_aware:
            root = self.network.state.get_root(machine.follower.height)
            assert compute_state_root(machine.follower.state) == root

    def check_words(self) -> None:
        """No seat commits to two things, votes for two outcomes or reveals two roots, whatever it went through."""
        said: dict[tuple[str, int, int, int], Any] = {}
        for sent in self.network.sent:
            if sent.kind in ("commit", "vote", "reveal"):
                words = sent.args[:2] if sent.kind == "reveal" else sent.args[1:]
                assert said.setdefault((sent.kind, sent.seat, sent.round, sent.fork), words) == words
        for sent, revert in self.network.reverts:
            is_bench_race = sent.kind == "bench" and revert.name in BENCH_RACES
            is_outvoted = sent.seat in self.halting and revert.name == "NotFinalOutcome"
            assert is_bench_race or is_outvoted or revert.name in RACES, (sent, revert)

    def run(self, ticks: int = PATIENCE, reorganisations: Mapping[int, int] = MappingProxyType({})) -> int:
        """Until all machines that are there at the end are done; the tick at which that was. reorganisations: tick to
        number of blocks that are replaced.
        """
        for tick in self.network.run(ticks):
            self.look()
            if tick in reorganisations:
                self.network.reorganise(reorganisations[tick])
            here = self.network.machines[: len(self.network.state.seats)]
            if all(machine.done or machine.halted for machine in here) and self.network.is_over:
                return tick
        pytest.fail(f"not over after {ticks} ticks: {self.network.state.clock}")
