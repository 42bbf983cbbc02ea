"""The local work: exact again from the same inputs, stoppable without a trace, one program for all rounds."""

import json

import jax
import numpy as np
import pytest

from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import Cancelled, LocalTrainer, describe_numerics
from trainer.learn.models import char_gpt
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Task
from trainer.protocol.assignment import compute_batch
from trainer.protocol.gradient import is_padding_zero, unpack_bits
from trainer.protocol.step import Schedule, apply_step

SETTINGS = LocalSettings(
    local_steps=3,
    batch_size=2,
    peak_learning_rate=0.01,
    muon_momentum=0.9,
    newton_schulz_steps=5,
    adam_leaves=("embedding", "unembedding"),
    adam_rate=1.0,
    adam_b1=0.9,
    adam_b2=0.999,
    epsilon=1e-8,
    weight_decay=0.0,
)
SCHEDULE = Schedule(peak=20_000, warmup=2, decay=4, total=10)
P = 12_124
pytestmark = pytest.mark.usefixtures("compile_cache")


@pytest.fixture(scope="module")
def task():
    return Task.from_config(char_gpt.make_config("tiny"))


@pytest.fixture(scope="module")
def trainer(task, dataset):
    return LocalTrainer(task, dataset, SETTINGS, SCHEDULE)


def make_batches(dataset, height, seat=0):
    return [compute_batch(bytes(32), seat, height, k, SETTINGS.batch_size, dataset.bound) for k in range(3)]


def run(trainer, state, inner, heights):
    """Rounds of a single seat: (bits of each, last inner state, last state)."""
    bits = []
    for height in heights:
        result = trainer.train(state, inner, make_batches(trainer.dataset, height), height)
        state = apply_step(state, [(result.bits, 1)], trainer.schedule.compute_step(height))
        inner = result.inner_state
        bits.append(result.bits)
    return bits, inner, state


def test_the_same_inputs_give_the_same_bits_also_through_a_file(task, dataset, trainer, tmp_path):
    genesis = task.compute_genesis(1)
    bits, inner, state = run(trainer, genesis, None, range(4))
    first, inner2, state2 = run(trainer, genesis, None, range(2))
    path = tmp_path / "inner.npz"
    inner2.save(path)
    jax.clear_caches()  # the program is now loaded from the compile cache
    other = LocalTrainer(Task.from_config(task.config), dataset, SETTINGS, SCHEDULE)  # as after a restart
    loaded = other.load_inner_state(path)
    assert loaded.is_equal(inner2)
    rest, inner4, state4 = run(other, state2, loaded, range(2, 4))
    assert first + rest == bits
    assert inner4.is_equal(inner)
    np.testing.assert_array_equal(state4, state)
    assert run(trainer, state2, None, [2])[0] != [bits[2]]  # the inner state matters


def test_bits_are_the_direction_that_the_local_copy_moved(task, dataset, trainer):
    genesis = task.compute_genesis(1)
    batches = make_batches(dataset, 5)
    result = trainer.train(genesis, None, batches, 5)
    assert is_padding_zero(result.bits, P)
    layout, optimizer = task.layout, SETTINGS.make_optimizer(task.layout)
    start = params = layout.params_of_state(genesis)
    inner, losses = optimizer.init(params), []
    compute, update = jax.jit(jax.value_and_grad(task.loss)), jax.jit(optimizer.update)
    for indices in batches:
        loss, gradient = compute(params, dataset.get_batch(indices))
        updates, inner = update(gradient, inner, params)
        params = {name: leaf + updates[name] * np.float32(0.01) for name, leaf in params.items()}
        losses.append(float(loss))
    moved = np.asarray(layout.flatten(start)) - np.asarray(layout.flatten(params))
    expected = np.where(moved == 0, (np.arange(P) + 5) % 2 == 1, moved > 0)
    agreement = np.mean(unpack_bits(result.bits, P) == expected)
    assert agreement > 0.999  # another compilation rounds otherwise where the movement is almost nothing
    assert result.mean_loss == pytest.approx(np.mean(losses), abs=1e-4)


def test_parameters_that_do_not_move_take_the_parity(task, dataset):
    still = LocalTrainer(task, dataset, LocalSettings(**{**SETTINGS.to_config(), "peak_learning_rate": 0.0}), SCHEDULE)
    for height in (0, 1):
        bits = unpack_bits(still.train(task.compute_genesis(1), None, make_batches(dataset, 0), height).bits, P)
        np.testing.assert_array_equal(bits, (np.arange(P) + height) % 2 == 1)


@pytest.mark.parametrize("stop_at", [0, 1, 2, 3])
def test_a_stop_between_steps_leaves_no_trace(task, dataset, trainer, stop_at):
    genesis = task.compute_genesis(1)
    _, inner, state = run(trainer, genesis, None, range(1))
    kept = state.copy(), tuple(leaf.copy() for leaf in inner.leaves)
    asked = []

    def should_stop():
        asked.append(None)
        return len(asked) > stop_at

    with pytest.raises(Cancelled):
        trainer.train(state, inner, make_batches(dataset, 1), 1, should_stop)
    assert len(asked) == stop_at + 1
    np.testing.assert_array_equal(state, kept[0])
    assert inner.is_equal(InnerState(kept[1]))
    assert run(trainer, state, inner, [1])[0] == run(trainer, genesis, None, range(2))[0][1:]


def test_one_program_serves_all_heights_and_streaks(task, dataset, trainer):
    run(trainer, task.compute_genesis(1), None, range(10))  # all learning rates of the schedule, cold and warm
    assert trainer._step._cache_size() == 1
    assert trainer._compare._cache_size() == 1


def test_the_inner_rate_follows_the_public_step(trainer):
    rates = [trainer.compute_learning_rate(height) for height in range(10)]
    assert rates == pytest.approx([0.005] + 6 * [0.01] + [0.0075, 0.005, 0.0025])


def test_training_learns(task, dataset, trainer):
    genesis = task.compute_genesis(1)
    first = trainer.train(genesis, None, make_batches(dataset, 0), 0).mean_loss
    _, inner, state = run(trainer, genesis, None, range(10))
    assert trainer.train(state, inner, make_batches(dataset, 0), 9).mean_loss < first - 0.3


def test_wrong_shapes_are_refused(task, dataset, trainer, tmp_path):
    genesis, batches = task.compute_genesis(1), make_batches(dataset, 0)
    for state, given in (
        (genesis[:-1024], batches),
        (genesis.astype(np.int64), batches),
        (genesis, batches[:2]),
        (genesis, [batch[:1] for batch in batches]),
        (genesis, [batch + dataset.bound for batch in batches]),
        (genesis, [-1 - batch for batch in batches]),
    ):
        with pytest.raises(ValueError, match=r"expected|indices"):
            trainer.train(state, None, given, 0)
    with pytest.raises(ValueError, match="no round starts"):
        trainer.train(genesis, None, batches, SCHEDULE.total)
    inner = trainer.train(genesis, None, batches, 0).inner_state
    with pytest.raises(ValueError, match="another model"):
        trainer.train(genesis, InnerState(inner.leaves[:-1]), batches, 0)


def test_a_damaged_inner_state_is_refused(task, dataset, trainer, tmp_path):
    inner = trainer.train(task.compute_genesis(1), None, make_batches(dataset, 0), 0).inner_state
    path = tmp_path / "inner.npz"
    inner.save(path)
    good = path.read_bytes()
    assert b"pickle" not in good
    for damaged in (b"", good[:100], good[:-1], good[: len(good) // 2], good[:5000] + b"\xff" * 8 + good[5008:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="damaged"):
            trainer.load_inner_state(path)
    # what would run code when read is neither written nor read
    with pytest.raises(ValueError, match=r"[Oo]bject|pickle"):
        InnerState((np.array([None]),)).save(path)
    np.savez(path, allow_pickle=True, leaf00000=np.array([None]))
    with pytest.raises(ValueError, match="damaged"):
        InnerState.load(path)


def test_settings_have_no_hidden_defaults():
    config = json.loads(json.dumps(SETTINGS.to_config()))
    assert LocalSettings.from_config(config) == SETTINGS
    for wrong in ({**config, "extra": 1}, {k: v for k, v in config.items() if k != "epsilon"}):
        with pytest.raises(ValueError, match=r"extra|epsilon"):
            LocalSettings.from_config(wrong)
    with pytest.raises(ValueError, match="no matrices"):
        LocalSettings(**{**config, "adam_leaves": ("nothing",)}).make_optimizer(
            Task.from_config(char_gpt.make_config("tiny")).layout
        )


def test_the_profile_names_what_decides_rounding():
    assert jax.__version__ in describe_numerics()
    assert "cpu" in describe_numerics() or "gpu" in describe_numerics()
