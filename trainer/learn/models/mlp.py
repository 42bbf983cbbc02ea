"""`mlp`: a small network that tells which of some classes an image shows. Shapes in names: B batch, N inputs, F hidden,
C classes.

RMSNorm without gains before every matrix but the first, ReLU, no biases: blank pixels are -1, and serve as one. The
last matrix starts at zero. Computes in the dtype of the parameters, but norms and loss in float32.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainer.learn import digits
from trainer.learn.layout import Params
from trainer.learn.models.layers import compute_cross_entropy, normalise
from trainer.learn.task import Batch, Task, expect_keys

NAME = "mlp"
MODEL_KEYS = ("hidden", "norm_epsilon")
# 58,944 parameters with the digits: in a smaller model chance alone, 1 / sqrt(P), reaches the gate.
PRESETS: dict[str, dict[str, Any]] = {"digits": {"hidden": [256, 160], "norm_epsilon": 1e-6}}


def make_config(preset: str) -> dict[str, Any]:
    """The whole config of a preset on scikit-learn's digits: blocks of 32 images, each fifth for validation; 65,536
    variants of each for training, moved by up to a pixel, a quarter of the pixels blank.
    """
    model = {**PRESETS[preset], "hidden": list(PRESETS[preset]["hidden"])}
    return {"task": NAME, "model": model, "data": digits.describe_digits(digits.SCIKIT_LEARN, 32, 5, 1 << 16, 1, 25)}


def build(config: dict[str, Any]) -> Task:
    """The task of a config as `make_config` returns it; raises ValueError for one that is not complete and sound."""
    expect_keys("config", config, ("task", "model", "data"))
    model, images = config["model"], config["data"]
    expect_keys("model", model, MODEL_KEYS)
    digits.check_config(images)
    hidden = model["hidden"]
    if not isinstance(hidden, list) or not hidden or any(type(width) is not int or width < 1 for width in hidden):
        raise ValueError("model: hidden must be a list of widths, one for each hidden layer")
    return Task(
        name=NAME,
        config=config,
        init=partial(init, [images["height"] * images["width"], *hidden], images["classes"]),
        loss=partial(compute_loss, model, images["brightest"]),
        logits=None,
        build_shards=partial(digits.build_shards, images),
        load_data=partial(digits.ImageDataset.from_shards, images),
        accuracy=partial(compute_accuracy, model, images["brightest"]),
    )


def init(widths: list[int], classes: int, seed: int) -> dict[str, jax.Array]:
    """The parameters that training starts from; a pure function of the seed."""
    keys = jax.random.split(jax.random.key(seed), len(widths) - 1)
    params = {
        f"layer{i}": jax.random.normal(key, shape, jnp.float32) / np.sqrt(shape[0]).astype(np.float32)
        for i, (key, shape) in enumerate(zip(keys, pairwise(widths), strict=True))
    }
    return params | {"out": jnp.zeros((widths[-1], classes), jnp.float32)}


def compute_scores(model: dict[str, Any], brightest: int, params: Params, pixels_BN: jax.Array) -> jax.Array:
    """Scores of the classes: float32[B, C] for pixels uint8[B, N] of 0 .. brightest."""
    scale = np.float32(2 / brightest)
    x_BF = (pixels_BN.astype(jnp.float32) * scale - np.float32(1)).astype(params["out"].dtype)
    for layer in range(len(model["hidden"])):
        x_BF = normalise(jax.nn.relu(x_BF @ params[f"layer{layer}"]), model["norm_epsilon"])
    return (x_BF @ params["out"]).astype(jnp.float32)


def compute_loss(model: dict[str, Any], brightest: int, params: Params, batch: Batch) -> jax.Array:
    """Mean nats per image over a batch (pixels uint8[B, N], labels uint8[B])."""
    pixels_BN, labels_B = (jnp.asarray(part) for part in batch)
    return compute_cross_entropy(compute_scores(model, brightest, params, pixels_BN), labels_B)


def compute_accuracy(model: dict[str, Any], brightest: int, params: Params, batch: Batch) -> jax.Array:
    """Share of the images of a batch whose class has the highest score."""
    pixels_BN, labels_B = (jnp.asarray(part) for part in batch)
    guesses_B = jnp.argmax(compute_scores(model, brightest, params, pixels_BN), axis=-1)
    return jnp.mean(guesses_B == labels_B.astype(guesses_B.dtype))
