"""`char-gpt`: a small transformer that predicts the next character. Shapes in names: B batch, T time, D width, H heads,
K head width, F hidden, V vocabulary.

RMSNorm without gains, rotary positions, normalised queries and keys with one temperature for each head, squared ReLU,
no biases. Output projections start at zero. Computes in the dtype of the parameters, but norms, softmax and loss in
float32.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainer.learn import data
from trainer.learn.layout import Params
from trainer.learn.models.layers import compute_cross_entropy, normalise
from trainer.learn.task import Batch, Task, expect_keys

NAME = "char-gpt"
MODEL_KEYS = ("width", "layers", "heads", "hidden", "context", "rotary_base", "norm_epsilon")
PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {
        "width": 20,
        "layers": 2,
        "heads": 2,
        "hidden": 80,
        "context": 32,
        "rotary_base": 100.0,
        "norm_epsilon": 1e-6,
    },
    "bench": {
        "width": 64,
        "layers": 2,
        "heads": 4,
        "hidden": 280,
        "context": 64,
        "rotary_base": 1000.0,
        "norm_epsilon": 1e-6,
    },
    "demo": {
        "width": 96,
        "layers": 2,
        "heads": 6,
        "hidden": 448,
        "context": 64,
        "rotary_base": 1000.0,
        "norm_epsilon": 1e-6,
    },
}


def make_config(preset: str) -> dict[str, Any]:
    """The whole config of a preset on the King James text: blocks of 8,192 characters, each 16th for validation."""
    return {"task": NAME, "model": dict(PRESETS[preset]), "data": data.describe_text(data.KING_JAMES, 8192, 16)}


def build(config: dict[str, Any]) -> Task:
    """The task of a config as `make_config` returns it; raises ValueError for one that is not complete and sound."""
    expect_keys("config", config, ("task", "model", "data"))
    model, text = config["model"], config["data"]
    expect_keys("model", model, MODEL_KEYS)
    data.check_config(text)
    if model["width"] % (2 * model["heads"]):
        raise ValueError("model: the width must be an even multiple of the heads")
    logits = partial(compute_logits, model)
    return Task(
        name=NAME,
        config=config,
        init=partial(init, model, len(text["vocabulary"])),
        loss=partial(compute_loss, model),
        logits=logits,
        build_shards=partial(data.build_shards, text),
        load_data=partial(data.TextDataset.from_shards, text, model["context"]),
    )


def init(model: dict[str, Any], vocabulary_size: int, seed: int) -> dict[str, jax.Array]:
    """The parameters that training starts from; a pure function of the seed."""
    width, hidden = model["width"], model["hidden"]
    shapes = {"embedding": (vocabulary_size, width), "unembedding": (width, vocabulary_size)}
    for layer in range(model["layers"]):
        shapes |= {f"layer{layer}.{name}": (width, width) for name in ("query", "key", "value")}
        shapes[f"layer{layer}.up"] = (width, hidden)
    keys = jax.random.split(jax.random.key(seed), len(shapes))
    params = {
        name: jax.random.normal(key, shape, jnp.float32)
        / np.sqrt(shape[0] if name != "embedding" else width).astype(np.float32)
        for (name, shape), key in zip(sorted(shapes.items()), keys, strict=True)
    }
    for layer in range(model["layers"]):
        params[f"layer{layer}.temperature"] = jnp.ones((model["heads"],), jnp.float32)
        params[f"layer{layer}.out"] = jnp.zeros((width, width), jnp.float32)
        params[f"layer{layer}.down"] = jnp.zeros((hidden, width), jnp.float32)
    params["unembedding"] = jnp.zeros_like(params["unembedding"])
    return params


def compute_logits(model: dict[str, Any], params: Params, tokens_BT: jax.Array) -> jax.Array:
    """Scores of the next character at every place: float32[B, T, V] for tokens uint8[B, T], T at most the context."""
    norm = partial(normalise, epsilon=model["norm_epsilon"])
    x_BTD = norm(params["embedding"][tokens_BT.astype(jnp.int32)])
    rotation = _compute_rotation(tokens_BT.shape[1], model["width"] // model["heads"], model["rotary_base"])
    for layer in range(model["layers"]):
        weights = {
            name: params[f"layer{layer}.{name}"]
            for name in ("query", "key", "value", "out", "up", "down", "temperature")
        }
        x_BTD = x_BTD + _attend(model, weights, norm(x_BTD), rotation)
        x_BTD = x_BTD + jnp.square(jax.nn.relu(norm(x_BTD) @ weights["up"])) @ weights["down"]
    return (norm(x_BTD) @ params["unembedding"]).astype(jnp.float32)


def compute_loss(model: dict[str, Any], params: Params, batch: Batch) -> jax.Array:
    """Mean nats per character over a batch (tokens uint8[B, T + 1],): inputs are the first T, targets the last T."""
    tokens_BT1 = jnp.asarray(batch[0])
    logits_BTV = compute_logits(model, params, tokens_BT1[:, :-1])
    return compute_cross_entropy(logits_BTV, tokens_BT1[:, 1:])


def _attend(
    model: dict[str, Any], weights: dict[str, jax.Array], x_BTD: jax.Array, rotation: tuple[jax.Array, jax.Array]
) -> jax.Array:
    """Causal attention; the softmax sees cosines times temperature times sqrt(head width)."""
    batch, time, width = x_BTD.shape
    head_width = width // model["heads"]
    query, key, value = (
        (x_BTD @ weights[name]).reshape(batch, time, model["heads"], head_width) for name in ("query", "key", "value")
    )
    norm = partial(normalise, epsilon=model["norm_epsilon"])
    query_BTHK = _rotate(norm(query), rotation) * weights["temperature"][:, None]
    key_BTHK = _rotate(norm(key), rotation)
    cosines_BHTT = jnp.einsum("bthk,bshk->bhts", query_BTHK, key_BTHK).astype(jnp.float32)
    scores_BHTT = cosines_BHTT / np.float32(np.sqrt(head_width))
    causal_TT = np.tril(np.ones((time, time), np.bool_))
    shares_BHTT = jax.nn.softmax(jnp.where(causal_TT, scores_BHTT, -jnp.inf), axis=-1).astype(value.dtype)
    return jnp.einsum("bhts,bshk->bthk", shares_BHTT, value).reshape(batch, time, width) @ weights["out"]


def _compute_rotation(time: int, head_width: int, base: float) -> tuple[jax.Array, jax.Array]:
    """(cosines, sines) of the rotary positions, each float32[T, 1, K / 2]; constants of the compiled program."""
    angles_TK = np.arange(time)[:, None] * base ** -np.linspace(0.0, 1.0, head_width // 2, endpoint=False)
    return jnp.asarray(np.cos(angles_TK)[:, None], jnp.float32), jnp.asarray(np.sin(angles_TK)[:, None], jnp.float32)


def _rotate(x_BTHK: jax.Array, rotation: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Turns each pair (k, k + K/2) by its angle."""
    cosines, sines = (constant.astype(x_BTHK.dtype) for constant in rotation)
    left, right = jnp.split(x_BTHK, 2, axis=-1)
    return jnp.concatenate([left * cosines - right * sines, left * sines + right * cosines], axis=-1)
