"""Tasks and data: equal configs make equal tasks; the shards are what the config says."""

import copy
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trainer.learn import data
from trainer.learn.evaluate import Evaluator
from trainer.learn.models import char_gpt
from trainer.learn.task import Task

VOCABULARY_SIZE = 63


@pytest.fixture(scope="module")
def task():
    return Task.from_config(char_gpt.make_config("tiny"))


def test_presets_have_the_sizes_that_the_documents_name():
    counts = {}
    for preset in char_gpt.PRESETS:
        config = char_gpt.make_config("tiny")
        config["model"] = dict(char_gpt.PRESETS[preset])
        counts[preset] = Task.from_config(config).layout.parameter_count
    assert counts == {"tiny": 12_124, "bench": 112_520, "demo": 257_868}


def test_equal_configs_make_equal_tasks(task):
    again = Task.from_config(json.loads(json.dumps(task.config)))
    np.testing.assert_array_equal(again.compute_genesis(3), task.compute_genesis(3))
    assert not np.array_equal(again.compute_genesis(4), task.compute_genesis(3))
    assert again.layout == task.layout
    assert list(task.layout.names) == sorted(task.layout.names)
    assert not task.compute_genesis(3)[task.layout.parameter_count :].any()


def test_an_unsound_config_is_refused(task):
    def changed(path, value):
        config = copy.deepcopy(task.config)
        section = config
        for key in path[:-1]:
            section = section[key]
        if value is None:
            del section[path[-1]]
        else:
            section[path[-1]] = value
        return config

    for config, message in (
        (changed(("task",), None), "task"),
        (changed(("task",), "no-such"), "no-such"),
        (changed(("model", "width"), None), "width"),
        (changed(("model", "wdith"), 3), "wdith"),
        (changed(("model", "heads"), 3), "heads"),
        (changed(("data", "block"), None), "block"),
        (changed(("data", "vocabulary"), "ba"), "vocabulary"),
        (changed(("extra",), 1), "extra"),
    ):
        with pytest.raises(ValueError, match=message):
            Task.from_config(config)


def test_the_text_is_clean_and_whole(task, shards):
    text = b"".join(shards).decode("ascii")
    section = task.config["data"]
    assert len(text) == section["train_characters"] + section["validation_characters"] == 4_139_073
    assert len(section["vocabulary"]) == VOCABULARY_SIZE
    assert text.startswith("In the beginning God created the heaven and the earth. And the earth was without form")
    assert not set(text) & set("[]0123456789")
    assert all(len(shard) == data.SHARD_BYTES for shard in shards[:-1])
    assert 0 < len(shards[-1]) <= data.SHARD_BYTES
    other = {**section, "validation_every": 8}
    with pytest.raises(ValueError, match="not the one"):
        data.build_shards(other)


def test_split_takes_each_character_once():
    text = "".join(chr(97 + i) for i in range(23))
    train, validation = data.split_text(text, 2, 4)
    assert validation == "ghopw"  # the blocks gh, op, and the last, which is short
    assert sorted(train + validation) == list(text)


def test_shards_that_are_not_the_configs_are_refused(task, shards):
    with pytest.raises(ValueError, match="bytes"):
        task.load_data(shards[:-1])
    with pytest.raises(ValueError, match="vocabulary"):
        task.load_data([*shards[:-1], shards[-1][:-1] + b"#"])


def test_a_batch_is_the_text_at_its_indices(dataset):
    (tokens,) = dataset.get_batch(np.array([0, dataset.bound - 1, 0]))
    assert tokens.shape == (3, 33)
    assert tokens.dtype == np.uint8
    assert data.decode(tokens[0], dataset.vocabulary) == "In the beginning God created the "[:33]
    np.testing.assert_array_equal(tokens[1], dataset.train[-33:])
    np.testing.assert_array_equal(tokens[2], tokens[0])


def test_validation_predicts_each_character_once(dataset):
    seen = np.concatenate([tokens[:, 1:].reshape(-1) for (tokens,) in dataset.get_validation(16)])
    np.testing.assert_array_equal(seen, dataset.validation[1 : 1 + len(seen)])
    assert len(dataset.validation) - len(seen) <= 17 * 32


def test_entropies_are_those_of_counting_by_hand():
    vocabulary = "ab"
    dataset = data.TextDataset(data.encode(b"aabab", vocabulary), data.encode(b"ba", vocabulary), vocabulary, context=1)
    p_a, p_b = 4 / 7, 3 / 7  # 3 a and 2 b, one more of each
    unigram, bigram = data.compute_entropies(dataset)
    assert unigram == pytest.approx(-math.log(p_a))  # of the one character that is predicted
    assert bigram == pytest.approx(-math.log((1 + 1 * p_a) / (1 + 1)))  # ba once, b has one kind of successor
    assert p_a + p_b == pytest.approx(1)


def test_the_model_looks_at_the_past_only(task):
    params = task.layout.params_of_state(jnp.asarray(task.compute_genesis(1)))
    params = {
        name: leaf + 0.05 * jax.random.normal(jax.random.key(i), leaf.shape)
        for i, (name, leaf) in enumerate(params.items())
    }
    tokens = np.arange(32, dtype=np.uint8)[None]
    logits = task.logits(params, jnp.asarray(tokens))
    changed = tokens.copy()
    changed[0, 20] = 60
    other = task.logits(params, jnp.asarray(changed))
    np.testing.assert_allclose(logits[0, :20], other[0, :20], atol=1e-5)
    assert float(jnp.max(jnp.abs(logits[0, 20:] - other[0, 20:]))) > 1e-3


def test_a_fresh_model_knows_nothing_and_is_evaluated_so(task, dataset):
    evaluator = Evaluator(task)
    genesis = task.compute_genesis(1)
    loss = evaluator.compute_validation_loss(genesis, dataset, 64, 2)
    assert loss == pytest.approx(math.log(VOCABULARY_SIZE), abs=0.01)
    with pytest.raises(ValueError, match="does not fill"):
        evaluator.compute_validation_loss(genesis, dataset, 1 << 20, None)


def test_a_sample_is_a_function_of_its_key(task, dataset):
    evaluator = Evaluator(task)
    noise = np.random.default_rng(1).integers(-(2**20), 2**20, task.layout.padded_count)
    state = task.compute_genesis(1) + noise.astype(np.int32)  # a fresh model finds all characters equally likely
    prompt = "In the beginning God created the heaven and"  # longer than the context of 32
    text = evaluator.sample(state, dataset, prompt, 12, 1, 0.2)
    assert len(text) == 12
    assert text == evaluator.sample(state, dataset, prompt, 12, 1, 0.2)
    assert text != evaluator.sample(state, dataset, prompt, 12, 2, 0.2)
    assert text == evaluator.sample(state, dataset, prompt[-32:], 12, 1, 0.2)
    assert text != evaluator.sample(state, dataset, prompt[:32], 12, 1, 0.2)
    with pytest.raises(ValueError, match="empty"):
        evaluator.sample(state, dataset, "", 1, 1, 0.2)
    with pytest.raises(ValueError, match="vocabulary"):
        evaluator.sample(state, dataset, "#", 1, 1, 0.2)


def test_a_plugged_in_task_trains_like_the_built_in_one(monkeypatch):
    """A linear classifier in a few lines: what a user has to write."""
    from trainer.learn.local_training import LocalTrainer
    from trainer.learn.settings import LocalSettings
    from trainer.protocol.step import Schedule, apply_step

    points = np.random.default_rng(1).normal(size=(256, 4)).astype(np.float32)
    labels = (points @ np.array([1, -2, 3, -4], np.float32) > 0).astype(np.float32)

    class Points:
        bound = 256

        def get_batch(self, indices):
            return points[indices], labels[indices]

        def get_validation(self, batch_size):
            yield points[:batch_size], labels[:batch_size]

    def loss(params, batch):
        score = batch[0] @ params["weights"][:, 0]
        return jnp.mean(jnp.logaddexp(0.0, score) - batch[1] * score)

    def build(config):
        zeros = {"weights": jnp.zeros((4, 1), jnp.float32)}
        return Task("line", config, lambda seed: zeros, loss, None, lambda: [], lambda shards: Points())

    class Offer:
        @staticmethod
        def load():
            return build

    monkeypatch.setattr("trainer.learn.task.entry_points", lambda group, name: [Offer] if name == "line" else [])
    task = Task.from_config({"task": "line"})
    settings = LocalSettings(2, 8, 0.1, 0.9, 5, (), 1.0, 0.9, 0.999, 1e-8, 0.0)
    trainer = LocalTrainer(task, task.load_data([]), settings, Schedule(130_000, 1, 10, 60))
    state, inner = task.compute_genesis(0), None
    for height in range(60):
        result = trainer.train(state, inner, [(np.arange(8) + 8 * k + 16 * height) % 256 for k in range(2)], height)
        state, inner = apply_step(state, [(result.bits, 1)], trainer.schedule.compute_step(height)), result.inner_state
    assert Evaluator(task).compute_validation_loss(state, trainer.dataset, 256, None) < 0.5 * math.log(2)
    with pytest.raises(ValueError, match="does not write"):
        Evaluator(task).sample(state, trainer.dataset, "a", 1, 1, 1.0)
