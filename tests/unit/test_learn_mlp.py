"""The second built-in task: images of digits, told apart by a small network that a vote trains."""

import copy
import json
import math
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trainer.errors import UsageError
from trainer.learn import digits, integer_step
from trainer.learn.evaluate import Evaluator
from trainer.learn.local_training import LocalTrainer
from trainer.learn.models import char_gpt, mlp
from trainer.learn.presets import BATCH, make_config
from trainer.learn.task import Task
from trainer.protocol.acceptance import compute_accepted
from trainer.protocol.assignment import compute_batch
from trainer.roles.plan import make_plan

IMAGES, VALIDATION = 1797, 352
HEIGHTS, SEATS = 20, 4


@pytest.fixture(scope="module")
def task():
    return Task.from_config(mlp.make_config("digits"))


def test_four_seats_train_it_by_vote(task, dataset):
    """Real bits, gate and step, without chain and IPFS; the whole validation set, of 11 batches of 32."""
    plan = make_plan("digits", HEIGHTS, None)
    settings, schedule = plan.settings, plan.schedule
    trainer, evaluator = LocalTrainer(task, dataset, settings, schedule), Evaluator(task)
    genesis = state = task.compute_genesis(1)
    inner, weights = dict.fromkeys(range(SEATS)), dict.fromkeys(range(SEATS), 1)
    for height in range(HEIGHTS):
        bits = {}
        for seat in range(SEATS):
            batches = [
                compute_batch(bytes(32), seat, height, step, settings.batch_size, dataset.bound)
                for step in range(settings.local_steps)
            ]
            result = trainer.train(state, inner[seat], batches, height)
            bits[seat], inner[seat] = result.bits, result.inner_state
        assert compute_accepted(bits, weights, task.layout.parameter_count).passed == set(range(SEATS))
        state = integer_step.apply_step(state, [(bits[seat], 1) for seat in bits], schedule.compute_step(height))
    assert evaluator.compute_validation_loss(genesis, dataset, 32, None) == pytest.approx(math.log(10))
    assert evaluator.compute_validation_accuracy(genesis, dataset, 32, None) < 0.2
    assert evaluator.compute_validation_loss(state, dataset, 32, None) < 0.4
    assert evaluator.compute_validation_accuracy(state, dataset, 32, None) > 0.9
    assert result.mean_loss > 0.1  # the variants cannot be known by heart
    with pytest.raises(ValueError, match="does not write text"):
        evaluator.sample(state, dataset, "a", 1, 1, 1.0)
    with pytest.raises(ValueError, match="does not fill"):
        evaluator.compute_validation_accuracy(state, dataset, VALIDATION + 1, None)


def test_a_task_without_right_and_wrong_has_no_accuracy():
    task = Task.from_config(char_gpt.make_config("tiny"))
    with pytest.raises(ValueError, match="right or wrong"):
        Evaluator(task).compute_validation_accuracy(np.zeros(task.layout.padded_count, np.int32), None, 1, 1)


def test_the_preset_is_large_enough_and_can_be_deployed(task):
    assert task.layout.parameter_count == 58_944
    assert task.layout.names == ("layer0", "layer1", "out")
    plan = make_plan("digits", 10, None)
    assert plan.task.config == make_config("digits") == task.config
    assert plan.settings.batch_size == BATCH["digits"]
    assert plan.settings.adam_leaves == ("out",)


def test_equal_configs_make_equal_tasks(task):
    again = Task.from_config(json.loads(json.dumps(task.config)))
    np.testing.assert_array_equal(again.compute_genesis(3), task.compute_genesis(3))
    assert not np.array_equal(again.compute_genesis(4), task.compute_genesis(3))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("model", "hidden"), None, "hidden"),
        (("model", "hidden"), [], "hidden"),
        (("model", "hidden"), [16, 0], "hidden"),
        (("model", "hidden"), 16, "hidden"),
        (("model", "depth"), 2, "depth"),
        (("data", "shift"), None, "shift"),
        (("data", "shift"), -1, "shift"),
        (("data", "blank_percent"), 100, "blank_percent"),
        (("data", "variants"), 0, "variants"),
        (("data", "variants"), True, "variants"),
        (("data", "classes"), 257, "classes"),
        (("data", "brightest"), 1.5, "brightest"),
        (("extra",), 1, "extra"),
    ],
)
def test_an_unsound_config_is_refused(task, path, value, message):
    config = copy.deepcopy(task.config)
    section = config
    for key in path[:-1]:
        section = section[key]
    if value is None:
        del section[path[-1]]
    else:
        section[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        Task.from_config(config)


# ------------------------------------------------------------------ data


def test_the_shard_is_text_of_whole_images(task, shards, dataset):
    lines = b"".join(shards).decode("ascii").splitlines()
    assert lines[0] == (
        "0,0,5,13,9,1,0,0,0,0,13,15,10,15,5,0,0,3,15,2,0,11,8,0,0,4,12,0,0,8,8,0,"
        "0,5,8,0,0,9,8,0,0,4,11,0,1,12,7,0,0,2,14,5,10,12,0,0,0,0,6,13,10,0,0,0,0"
    )  # a zero, as in scikit-learn's file
    assert len(lines) == IMAGES == dataset.train_images + VALIDATION
    assert len(shards) == 1
    assert len(shards[0]) < digits.SHARD_BYTES
    assert dataset.bound == dataset.train_images * task.config["data"]["variants"]
    seen = np.concatenate([labels for _, labels in dataset.get_validation(32)])
    assert len(seen) == VALIDATION  # nothing is left out
    assert np.bincount(seen).min() > VALIDATION // 12  # all digits


def test_who_loads_shards_needs_no_scikit_learn(task, shards, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert Task.from_config(task.config).load_data(shards).train_images == IMAGES - VALIDATION
    with pytest.raises(UsageError, match=r"pip install 'comitia\[digits\]'"):
        task.build_shards()


def test_shards_that_are_not_the_configs_are_refused(task, shards):
    good = shards[0]
    for wrong in (good[: len(good) // 2], good + good[:200], good.replace(b"5,13", b"5", 1)):
        with pytest.raises(ValueError, match="1797 lines"):
            task.load_data([wrong])
    with pytest.raises(ValueError, match="pixels outside"):
        task.load_data([good.replace(b"5,13", b"5,17", 1)])
    with pytest.raises(ValueError, match="labels outside"):
        task.load_data([good[:-2] + b"10\n"])
    with pytest.raises(ValueError, match="invalid literal"):
        task.load_data([good.replace(b"5,13", b"5,xx", 1)])
    with pytest.raises(ValueError, match="not those"):
        digits.build_shards({**task.config["data"], "train_images": 1400})


def test_split_takes_each_image_once_in_blocks():
    train, validation = digits.split_places(23, 2, 4)
    assert validation.tolist() == [6, 7, 14, 15, 22]
    assert sorted([*train, *validation]) == list(range(23))


def test_an_index_names_a_variant_of_an_image(dataset):
    indices = np.array([70_000, 70_001, 70_000, dataset.bound - 1])
    pixels, labels = dataset.get_batch(indices)
    assert pixels.shape == (4, 64)
    assert pixels.dtype == labels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[0], pixels[2])
    assert not np.array_equal(pixels[0], pixels[1])
    assert labels.tolist() == [1, 1, 1, dataset.labels[dataset.train_images - 1]]
    for wrong in (np.array([-1]), np.array([dataset.bound]), np.zeros(0, np.int64), np.zeros((1, 1), np.int64)):
        with pytest.raises(ValueError, match="indices"):
            dataset.get_batch(wrong)


def test_variants_are_moved_by_a_pixel_and_a_quarter_blank(dataset):
    """Each is found again by hand: the image moved one of nine ways, with all but the blank pixels as they were."""
    pixels, _ = dataset.get_batch(np.arange(300))  # all of the first image
    padded = np.pad(dataset.images[0], 1)
    moved = np.array([padded[y : y + 8, x : x + 8].reshape(-1) for y in range(3) for x in range(3)])
    lost = np.array([np.where(seen == 0, 0, seen != moved).sum(axis=1) for seen in pixels])
    ways = lost.argmin(axis=1)
    assert np.all(lost.min(axis=1) == 0)
    assert set(ways) == set(range(9))
    kept = (pixels > 0).sum() / (moved[ways] > 0).sum()
    assert kept == pytest.approx(0.75, abs=0.02)


def test_variants_can_be_turned_off(dataset):
    plain = digits.ImageDataset(dataset.images, dataset.labels, dataset.train_images, 1, 0, 0)
    assert plain.bound == dataset.train_images
    pixels, labels = plain.get_batch(np.arange(20))
    np.testing.assert_array_equal(pixels, dataset.images[:20].reshape(20, 64))
    np.testing.assert_array_equal(labels, dataset.labels[:20])


# ------------------------------------------------------------------ model


def test_scores_by_hand():
    model = {"hidden": [2], "norm_epsilon": 0.0}
    params = {
        "layer0": jnp.array([[3.0, 0.0], [0.0, -4.0]], jnp.float32),
        "out": jnp.array([[1.0, 0.0], [0.0, 2.0]], jnp.float32),
    }
    # 16 -> 1, 0 -> -1: hidden (3, 4), of root mean square sqrt(12.5)
    scores = mlp.compute_scores(model, 16, params, jnp.array([[16, 0]], jnp.uint8))
    a, b = 3 / math.sqrt(12.5), 8 / math.sqrt(12.5)
    np.testing.assert_allclose(scores, [[a, b]], rtol=1e-6)
    batch = (np.array([[16, 0]] * 4, np.uint8), np.array([1, 1, 0, 1], np.uint8))
    expected = math.log(math.exp(a) + math.exp(b)) - (3 * b + a) / 4
    assert float(mlp.compute_loss(model, 16, params, batch)) == pytest.approx(expected, rel=1e-5)
    assert float(mlp.compute_accuracy(model, 16, params, batch)) == 0.75


def test_a_fresh_network_moves_its_last_matrix_first(task, dataset):
    params = task.layout.params_of_state(jnp.asarray(task.compute_genesis(1)))
    gradient = jax.jit(jax.grad(task.loss))(params, dataset.get_batch(np.arange(8)))
    assert float(jnp.abs(gradient["out"]).max()) > 0
    assert float(jnp.abs(gradient["layer0"]).max()) == 0
