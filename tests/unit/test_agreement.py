"""The bench of agreement: what it compares, with a trainer that costs nothing, and what it makes of figures."""

import json
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

from trainer.cli import main
from trainer.cli.bench import describe, explain
from trainer.learn import numerics
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalResult
from trainer.learn.numerics import Numerics
from trainer.learn.presets import make_local, make_schedule
from trainer.learn.task import Task
from trainer.protocol.gradient import pack_bits
from trainer.roles.agreement import (
    DEPTHS,
    HONEST,
    MOMENTUM_ONLY,
    OWN_COPY,
    WINDOW,
    Agreement,
    Measurement,
    choose_starts,
    list_cheats,
)
from trainer.roles.thresholds import Findings, Spread, compute_spread

P = 4096
BANK = np.random.default_rng(1).normal(0.1, 1, (499, P)).astype(np.float32)  # what an example pulls towards
SETTINGS = make_local("tiny")
SCHEDULE = make_schedule(SETTINGS, 40)


class Data:
    bound = 1 << 40


class Momentum:
    """Adds up, with momentum, a random vector for each example; a little of it is the same everywhere."""

    def __init__(self, task, dataset, settings, schedule, noise):
        self.settings, self.dataset, self._noise = settings, dataset, noise
        self._is_fed = task.loss({"w": np.ones(3)}, None) != 0

    def train(self, state, inner_state, batches, height):
        assert [len(batch) for batch in batches] == [self.settings.batch_size] * self.settings.local_steps
        moving = np.zeros(P) if inner_state is None else inner_state.leaves[0].copy()
        moved = np.zeros(P)
        for batch in batches:
            gradient = BANK[batch % len(BANK)].mean(axis=0)
            moving = 0.9 * moving + self._is_fed * (gradient + state[:P] * 2.0**-22)
            moved += moving + self._noise * BANK[height]
        down = moved > 0
        return LocalResult(pack_bits(down, np.zeros(P, np.bool_), height), InnerState((moving,)), 0.0, 0.0)


def make_numerics(name, noise):
    return Numerics(name, lambda *of: Momentum(*of, noise))


TASK = Task(
    name="made-up",
    config={},
    init=lambda seed: {"w": np.zeros(P, np.float32)},
    loss=lambda params, batch: 1.0,
    logits=None,
    build_shards=list,
    load_data=lambda shards: Data(),
)


@pytest.fixture(scope="module")
def measured():
    """(measurement, starts, agreements, cost as told by the ticks)"""
    ways = [make_numerics("exact", 0.0), make_numerics("rough", 0.02)]
    measurement = Measurement(TASK, Data(), SETTINGS, SCHEDULE, ways, 2, 1)
    ticks = []
    starts = choose_starts(2, 40)
    return measurement, starts, measurement.run(starts, lambda done, what: ticks.append(done)), sum(ticks)


def test_moments_spread_over_the_run():
    assert choose_starts(3, 40) == [1, 12, 23]
    assert choose_starts(1, 40) == [1]
    assert choose_starts(9, WINDOW + 2) == [1]
    with pytest.raises(ValueError, match="at least 18"):
        choose_starts(1, WINDOW + 1)


def test_cheats_are_those_that_the_settings_allow():
    names = [cheat.name for cheat in list_cheats(SETTINGS)]
    assert names[:4] == ["7/8 of the steps", "3/4 of the steps", "1/2 of the steps", "half of each batch"]
    assert [cheat.steps for cheat in list_cheats(SETTINGS)][:3] == [7, 6, 4]
    small = list_cheats(replace(SETTINGS, local_steps=4, batch_size=1))
    assert [(cheat.name, cheat.steps) for cheat in small] == [
        ("7/8 of the steps", 3), ("1/2 of the steps", 2), ("old state", 4), ("wrong data", 4),
    ]  # fmt: skip
    assert [cheat.work for cheat in list_cheats(replace(SETTINGS, local_steps=1, batch_size=1))] == [1, 1]


def test_it_takes_what_it_says(measured):
    measurement, starts, _, ticked = measured
    assert ticked == pytest.approx(measurement.compute_cost(starts))


def test_every_depth_seat_moment_and_pair_is_compared(measured):
    _, starts, agreements, _ = measured
    honest = {(a.start, a.seat, a.depth, a.seat_numerics, a.replay_numerics) for a in agreements if a.kind == HONEST}
    assert honest == {
        (start, seat, depth, ("exact", "rough")[seat], replay)
        for start in starts for seat in (0, 1) for depth in DEPTHS for replay in ("exact", "rough")
    }  # fmt: skip
    kinds = {a.kind for a in agreements}
    assert kinds == {HONEST, MOMENTUM_ONLY, OWN_COPY, *(cheat.name for cheat in list_cheats(SETTINGS))}
    for kind in kinds - {HONEST}:
        assert {a.depth for a in agreements if a.kind == kind} == {5, 6, 7, 8, 13, 14, 15, 16}


def test_momentum_forgets_and_cheats_stay_apart(measured):
    agreements = [a for a in measured[2] if a.seat_numerics == a.replay_numerics == "exact"]

    def mean(kind, depth):
        return np.mean([a.share for a in agreements if (a.kind, a.depth) == (kind, depth)])

    assert mean(HONEST, 2) < mean(HONEST, 4) < mean(HONEST, 8) < mean(HONEST, 16)
    assert mean(HONEST, 16) > 0.999
    assert mean("1/2 of the steps", 16) < mean("3/4 of the steps", 16) < mean("7/8 of the steps", 16) < 0.96
    assert mean("half of each batch", 16) < 0.9
    assert mean("wrong data", 16) < 0.6
    assert mean(OWN_COPY, 16) < mean(MOMENTUM_ONLY, 16) < 0.9
    # Here the state hardly tells the directions: an old one is no different.
    assert mean("old state", 16) > 0.9


def make_agreements(means, spread=0.001):
    """Two seats, two moments: `means` gives (kind, depth) to a share."""
    return [
        Agreement(kind, start, start + depth, seat, depth, "a", "a", share + (spread if seat else -spread))
        for (kind, depth), share in means.items() for start in (1, 9) for seat in (0, 1)
    ]  # fmt: skip


def test_a_spread_is_that_of_the_worst_group():
    found = [*make_agreements({(HONEST, 8): 0.98}), Agreement(HONEST, 30, 38, 0, 8, "a", "a", 0.97)]
    low = compute_spread(found, [found], is_cheat=False)
    assert (low.count, low.worst, low.extreme) == (5, pytest.approx(97), pytest.approx(97))
    # Two groups of two, 0.1 to both sides of their means; the single one spreads nothing.
    assert low.deviation == pytest.approx((4 * 0.01 / 2) ** 0.5)
    assert compute_spread(found, [found], is_cheat=True).worst == pytest.approx(98)
    alone = compute_spread(found[-1:], [found[-1:]], is_cheat=False)
    assert (alone.worst, alone.deviation) == (pytest.approx(97), 0.0)


def test_margins_by_hand():
    spread = Spread(4, 98.0, 0.3, 0.1, 97.5)
    # A sample of 4,096 bits at 98 %: 100 * sqrt(0.98 * 0.02 / 4096) = 0.21875
    assert spread.compute_deviation(4096) == pytest.approx((0.09 + 0.21875**2) ** 0.5)
    assert spread.compute_margin(97, 0) == pytest.approx(1 / 0.3)
    assert spread.compute_pass(98, 4096) == 0.5
    assert spread.compute_pass(97, 0) == pytest.approx(0.99957, abs=1e-5)
    assert Spread(1, 98.0, 0.0, 0.0, 98.0).compute_margin(99, 0) == -np.inf


def make_findings(honest, cheat):
    """honest: depth to share, from there on; one cheat that saves work agrees in `cheat`, everything else in 60 %."""
    cheats = list_cheats(SETTINGS)
    names = [*(each.name for each in cheats[1:]), MOMENTUM_ONLY, OWN_COPY]
    means = {(HONEST, depth): max([0.9, *(share for k, share in honest.items() if k <= depth)]) for depth in DEPTHS}
    means |= {(name, depth): 0.6 for name in names for depth in (8, 16)}
    means |= {(cheats[0].name, depth): cheat for depth in (8, 16)} | {("old state", 8): 0.97}
    return Findings(make_agreements(means), cheats, 112_520)


def test_the_least_depth_that_is_safe_is_recommended():
    findings = make_findings({8: 0.97, 10: 0.985, 12: 0.99}, 0.955)
    advice = findings.advise()
    assert findings.get_mildest(8)[0] == "7/8 of the steps"  # an old state saves nothing
    assert (advice.choice.depth, advice.choice.threshold, advice.recheck) == (10, 97, 96)
    assert advice.is_safe
    # Honest: 1.5 / hypot(0.1 * sqrt(2), 0.19); the cheat: 1.5 / hypot(0.1 * sqrt(2), 0.324)
    assert advice.choice.honest_margin == pytest.approx(6.34, abs=0.01)
    assert advice.choice.cheat_margin == pytest.approx(4.24, abs=0.01)
    # In a dispute, from a depth of 16: the target 3 / 0.141 above 96, the checker's sample 2.5 / 0.237, the cheat
    # 0.5 / 0.141 below. At 97 the sample would be nearer than the cheat is at 96, of what is enough for each.
    assert findings.choose_recheck(replace(advice.choice, threshold=90)) == 90
    # What was not measured at a depth is taken from the next larger one.
    assert findings.get_cheat("old state", 5).worst == pytest.approx(97)
    caught = findings.compute_caught(10, 97, 4096)
    assert caught["7/8 of the steps"] > 0.999
    assert findings.choose(10, 512).safety < findings.choose(10, 4096).safety


def test_where_nothing_is_safe_the_best_is_recommended_and_said():
    findings = make_findings({8: 0.97, 9: 0.975}, 0.965)
    advice = findings.advise()
    assert (advice.choice.depth, advice.is_safe) == (9, False)
    words = explain(findings, advice)
    assert any(line.startswith("No depth keeps") for line in words)
    assert words[-1].startswith('recommended: "depth": 9, ')


def test_json_and_words_hold_the_advice():
    findings = make_findings({8: 0.985}, 0.955)
    advice = findings.advise()
    data = json.loads(json.dumps(describe(findings, advice)))
    assert data["advice"]["depth"] == 8
    assert data["advice"]["agreement"] == 97
    assert data["advice"]["recheck"] < 97
    assert set(data["advice"]["thresholds"]) == {"95", "96", "97", "98", "99"}
    assert '"agreement": 97' in explain(findings, advice)[-1]


@pytest.mark.parametrize(("processors", "count"), [(None, 4), ([], 3)])
def test_on_a_gpu_its_precisions_are_compared_and_the_cpu(monkeypatch, processors, count):
    """As far as this machine can tell: here they are all the same."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    if processors is not None:
        monkeypatch.setattr("trainer.learn.numerics._find_processors", lambda: processors)
    names = ["float32 (TF32 on)", "float32 (TF32 off)", "bfloat16", "float32 (CPU)"]
    found = numerics.find_numerics()
    assert [each.name for each in found] == names[:count]
    assert ("CPU" in numerics.explain_missing()) == (count == 3)
    shape = (4, 256)
    task = replace(
        TASK,
        init=lambda seed: {"w": jnp.zeros(shape, jnp.float32)},
        loss=lambda params, batch: jnp.mean((batch[0] @ params["w"] - 1) ** 2),
    )
    data = SimpleNamespace(bound=9, get_batch=lambda indices: (np.ones((len(indices), 4), np.float32),))
    settings = replace(SETTINGS, local_steps=1, batch_size=1, adam_leaves=())
    state = np.arange(1024, dtype=np.int32)
    bits = {
        each.make(task, data, settings, SCHEDULE).train(state, None, [np.zeros(1, np.int64)], 0).bits
        for each in found
        if each.name.startswith("float32")
    }
    assert len(bits) == 1


def test_without_a_gpu_it_is_said(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    assert [each.name for each in numerics.find_numerics()] == ["float32", "bfloat16"]
    assert numerics.explain_missing().startswith("no GPU here")


def test_a_task_that_is_none_is_told():
    done = CliRunner().invoke(main, ["bench", "agreement", "--task", "no-such"])
    assert done.exit_code == 2
    assert "neither a preset" in done.stderr


def test_a_file_that_is_no_specification_is_told(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text('{"task": {}}')
    done = CliRunner().invoke(main, ["bench", "agreement", "--task", str(path), "--home", str(tmp_path)])
    assert done.exit_code == 2
    assert "no specification of a run" in done.stderr
