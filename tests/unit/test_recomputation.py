"""Recomputing the work of a simulated run, by itself and by the commands: what agrees, what does not, what is told."""

import json
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from tests.protocol.machine import COUNT, GENESIS, RULES, Machine, Weather
from tests.protocol.simulation import Network
from trainer.cli import main
from trainer.errors import BlobError
from trainer.protocol.gradient import pack_bits
from trainer.roles import recomputation
from trainer.roles.auditor import Auditor
from trainer.roles.recomputation import Recomputer, list_submissions
from trainer.roles.replay import Stage, replay_stage


class Trainer:
    """Work that depends on state, batches and inner state, and costs nothing."""

    settings = SimpleNamespace(local_steps=2, batch_size=3)
    dataset = SimpleNamespace(bound=1 << 40)

    def train(self, state, inner_state, batches, height, should_stop):
        assert not should_stop()
        fresh = np.random.default_rng([int(state.sum()) % 2**63, *np.concatenate(batches)])
        common = np.random.default_rng(height).normal(size=COUNT)  # else the gate would let nobody in
        moved = 0.5 * (0 if inner_state is None else inner_state) + fresh.normal(size=COUNT) + common
        return SimpleNamespace(bits=pack_bits(moved > 0, np.zeros(COUNT, np.bool_), height), inner_state=moved)


TRAINER = Trainer()
NOBODY = "0x" + "11" * 20
NO_CHECKS = replace(RULES, rate=1 << 32)  # nobody is drawn


class Student(Machine):
    """Trains as that, and one of them skips a part of it."""

    def __init__(self, network, seat, weather):
        self.inner = {0: None}
        super().__init__(network, seat, weather)

    def train(self, key):
        stage, is_lazy = Stage(key.round, key.height, key.seed), self.seat == 2
        inner = None if is_lazy else self.inner[key.inner_round]
        result = replay_stage(TRAINER, self.seat, stage, self.follower.state, inner, lambda: False)
        self.inner[key.round] = result.inner_state
        return result.bits


class Store:
    """The blobs of a run, less those that are gone."""

    def __init__(self, network):
        self.network, self.gone = network, set()

    def get(self, digest, size, deadline):
        blob = None if digest in self.gone else self.network.get_blob(digest, 0)
        if blob is None:
            raise BlobError("gone")
        return blob


@pytest.fixture(scope="module")
def network():
    """A finished run of four heights."""
    made = Network([Weather()] * 4, 1, rules=NO_CHECKS)
    made.machines = [Student(made, seat, Weather()) for seat in range(4)]
    for _ in made.run(400):
        if made.state.height == 4:
            break
    assert [final.accepted for final in made.state.finals] == [0b1111] * 4
    return made


def recompute(network, depth, submissions, store=None):
    reports = []
    store = store or Store(network)
    made = Recomputer(
        network.state, store, TRAINER, depth, submissions, lambda *of, **named: reports.append((of, named))
    )
    auditor = Auditor(network.state, store, time.monotonic, lambda *of, **named: None, {}, rules=RULES)
    auditor.replay(GENESIS, made.last_height, made.on_state)
    return made.found, reports


def test_honest_work_is_found_again_to_the_last_bit(network):
    last = network.state.finals[-1].round
    (found,), reports = recompute(network, 8, [(last, 1)])
    assert (found.round, found.seat, found.height, found.replayed) == (last, 1, 3, 3)
    assert (found.agreeing, found.parameter_count, found.is_exact) == (COUNT, COUNT, True)
    assert found.is_confirmed(RULES)
    assert [(of, named["height"]) for of, named in reports if of == ("training",)] == [
        (("training",), h) for h in range(4)
    ]


def test_a_later_start_agrees_less_and_says_so(network):
    last = network.state.finals[-1].round
    (short,), _ = recompute(network, 0, [(last, 1)])
    (longer,), _ = recompute(network, 2, [(last, 1)])
    assert 0.6 * COUNT < short.agreeing < longer.agreeing < COUNT
    assert (short.is_exact, longer.is_exact) == (False, False)
    assert (short.replayed, longer.replayed) == (0, 2)
    assert recompute(network, 3, [(last, 1)])[0][0].is_exact


def test_what_a_cheat_handed_in_does_not_agree(network):
    every = list_submissions(network.state)
    found, _ = recompute(network, 8, every)
    assert [(each.round, each.seat) for each in found] == every
    for each in found:
        # Nobody has an inner state in the first round, so there is nothing to leave out.
        assert each.is_confirmed(RULES) == (each.seat != 2 or each.height == 0)
        assert (each.agreeing == COUNT) == each.is_confirmed(RULES)


def test_a_blob_that_is_gone_is_told(network):
    record = network.state.rounds[network.state.finals[0].round]
    store = Store(network)
    store.gone = {record.commits[3].sealed_digest}
    with pytest.raises(BlobError, match=f"round {record.round}: the blob of seat 3 .* is nowhere to be found"):
        recomputation.fetch_bits(network.state, store, record.round, 3)


# ---------------------------------------------------------------------- commands


@pytest.fixture
def command(network, monkeypatch):
    """Runs a command on the simulated run: (exit code, its JSON or words, its complaints)."""
    library = SimpleNamespace(rules=NO_CHECKS, genesis=GENESIS)
    deployment = SimpleNamespace(parameters=network.state.parameters, address="0x1", chain_id=31337)
    opened = (network.state, Store(network), 99)
    for module in ("recompute", "audit"):
        loaded = sys.modules[f"trainer.cli.{module}"]  # the package's attribute of that name is the command
        monkeypatch.setattr(loaded, "reach", lambda *of: (None, deployment))
        monkeypatch.setattr(loaded, "open_run", lambda *of: opened)
    monkeypatch.setattr("trainer.roles.library.load_library", lambda *of, **named: library)
    monkeypatch.setattr("trainer.roles.assembly.make_trainer", lambda *of: TRAINER)

    def run(*arguments):
        done = CliRunner().invoke(main, [str(each) for each in arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return (
            done.exit_code,
            json.loads(done.stdout) if "--json" in arguments and done.stdout else done.stdout,
            done.stderr,
        )

    return run


def test_the_command_says_how_far_it_agrees(command, network):
    last = network.state.finals[-1].round
    code, found, _ = command("recompute", last, 1, "--address", NOBODY, "--depth", 8, "--json")
    assert code == 0
    assert (found["round"], found["seat"], found["height"], found["verdict"]) == (last, 1, 3, "agrees")
    assert (found["percent"], found["agreeing_bits"], found["bits"]) == (100, COUNT, COUNT)
    assert (found["threshold_percent"], found["replayed_heights"]) == (96, 3)
    assert found["from_the_streaks_start"]
    _, found, _ = command("recompute", last, 1, "--address", NOBODY, "--json")
    assert found["replayed_heights"] == 1  # the run's own depth


def test_less_than_the_threshold_is_an_error_after_the_figures(command, network):
    last = network.state.finals[-1].round
    code, words, complaints = command("recompute", last, 1, "--address", NOBODY, "--depth", 0)
    assert code == 8
    assert "disagrees" in words
    assert f"round {last}: only " in complaints


@pytest.mark.parametrize(
    ("arguments", "complaint"), [((99, 0), "round 99 is unknown"), ((2, 9), "seat 9 did not commit")]
)
def test_the_command_tells_what_it_cannot_do(command, arguments, complaint):
    code, _, complaints = command("recompute", *arguments, "--address", NOBODY)
    assert (code, complaint in complaints) == (2, True)


def test_a_run_is_asked_for(monkeypatch):
    monkeypatch.delenv("COMITIA_RUN", raising=False)
    for arguments in (["recompute", "2", "0"], ["audit"]):
        done = CliRunner().invoke(main, arguments)
        assert (done.exit_code, "say which run" in done.stderr) == (2, True)


def test_an_audit_alone_trains_nothing(command, network):
    code, found, _ = command("audit", "--address", NOBODY, "--json")
    assert (code, found["verdict"], found["heights"], found["block"]) == (0, "ok", 4, 99)
    assert found["root"] == network.state.get_root(4).hex()
    assert not any("training" in name for name in found)


def test_an_audit_of_the_training_draws_and_repeats_its_draw(command, network):
    every = list_submissions(network.state)
    shared = ("audit", "--address", NOBODY, "--depth", 8, "--json")
    code, found, complaints = command(*shared, "--training", "100%")
    wrong = [(each["round"], each["seat"]) for each in found["disagreeing_submissions"]]
    assert (code, found["verdict"], found["recomputed_submissions"]) == (8, "training disagrees", len(every))
    assert wrong == [(final.round, 2) for final in network.state.finals[1:]]
    assert found["lowest_percent"] == min(each["percent"] for each in found["disagreeing_submissions"])
    assert f"round {wrong[0][0]} seat 2 (" in complaints
    _, first, _ = command(*shared, "--training", "0.2")
    _, again, _ = command(*shared, "--training", "0.2", "--seed", first["training_seed"])
    names = ("training_seed", "recomputed_submissions", "disagreeing_submissions", "lowest_percent")
    assert [again[name] for name in names[:2]] == [first[name] for name in names[:2]] == [first["training_seed"], 3]
    assert again["lowest_percent"] == first["lowest_percent"]


def test_words_name_the_seed_and_each_agreement(command):
    _, words, complaints = command("audit", "--address", NOBODY, "--training", "10%", "--seed", 3)
    assert "2 submissions to train again, drawn with --seed 3" in complaints
    assert complaints.count("% of the bits agree") == 2
    assert "training seed" in words


@pytest.mark.parametrize(
    "arguments", [("--seed", 1), ("--depth", 1), ("--watch", "--training", "5%"), ("--training", "200%")]
)
def test_options_that_do_not_go_together(command, arguments):
    assert command("audit", "--address", NOBODY, *arguments)[0] == 2
