"""Image data: the handwritten digits that scikit-learn brings along (1,797 of 8 x 8 pixels by 13 writers, UCI, CC BY
4.0). A shard is plain text, a line for each image, so that `ipfs cat` shows what a run trains on.

An index names a variant of an image: shifted a little, with some of the pixels blank. So few images as they are would
soon be known by heart; then gradients vanish, old momentum rules, and a recomputation that starts cold does not agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.errors import UsageError
from trainer.learn.data import SHARD_BYTES
from trainer.learn.task import Batch, expect_keys

SCIKIT_LEARN = "scikit-learn-digits"
SECTION_KEYS = (
    "source",
    "block",
    "validation_every",
    "height",
    "width",
    "brightest",
    "classes",
    "train_images",
    "validation_images",
    "variants",
    "shift",
    "blank_percent",
)

Numbers = npt.NDArray[np.uint8]


def read_digits() -> tuple[Numbers, Numbers]:
    """(pixels uint8[N, 64] of 0 .. 16, labels uint8[N] of 0 .. 9), in the order of scikit-learn's file. Raises
    UsageError without scikit-learn: who deploys needs it, and nobody else.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UsageError("the digits come with scikit-learn: pip install 'comitia[digits]'") from error
    found = load_digits()
    return found.data.astype(np.uint8), found.target.astype(np.uint8)


def split_places(count: int, block: int, every: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Places of (training, validation) among `count` images: of the blocks of `block` images, the last in every `every`
    is for validation. Blocks, since neighbours are by one writer; not single images, since the labels come in cycles of
    ten.
    """
    places = np.arange(count)
    is_validation = places // block % every == every - 1
    return places[~is_validation], places[is_validation]


def describe_digits(
    source: str, block: int, every: int, variants: int, shift: int, blank_percent: int
) -> dict[str, Any]:
    """The "data" section of a config, with the sizes counted. source: only SCIKIT_LEARN is known. variants: of each
    training image, moved by at most `shift` pixels in each direction, and with so many percent of the pixels blank.
    """
    if source != SCIKIT_LEARN:
        raise ValueError(f"unknown images {source!r}")
    pixels, labels = read_digits()
    train, validation = split_places(len(labels), block, every)
    return {
        "source": source,
        "block": block,
        "validation_every": every,
        "height": 8,
        "width": 8,
        "brightest": int(pixels.max()),
        "classes": int(labels.max()) + 1,
        "train_images": len(train),
        "validation_images": len(validation),
        "variants": variants,
        "shift": shift,
        "blank_percent": blank_percent,
    }


def check_config(section: dict[str, Any]) -> None:
    """Raises ValueError unless the "data" section is complete and its values are sound."""
    expect_keys("data", section, SECTION_KEYS)
    least = dict.fromkeys(SECTION_KEYS[1:], 1) | {"shift": 0, "blank_percent": 0}
    most = {"brightest": 255, "classes": 256, "blank_percent": 99, "variants": 1 << 32}
    for name, lowest in least.items():
        value = section[name]
        if type(value) is not int or not lowest <= value <= most.get(name, value):
            raise ValueError(f"data: {name} must be an integer from {lowest} to {most.get(name, 'any')}, not {value!r}")


def build_shards(section: dict[str, Any]) -> list[bytes]:
    """The images that the "data" section describes, training before validation, as text: a line for each image with its
    pixels, row by row, and its label, separated by commas; in pieces of 1 MiB (the last may be shorter).
    """
    chosen = ("source", "block", "validation_every", "variants", "shift", "blank_percent")
    if describe_digits(*(section[name] for name in chosen)) != section:
        raise ValueError("data: this machine's images are not those that the config describes")
    pixels, labels = read_digits()
    table = np.column_stack([pixels, labels])[
        np.concatenate(split_places(len(labels), section["block"], section["validation_every"]))
    ]
    data = "".join(",".join(map(str, line)) + "\n" for line in table.tolist()).encode("ascii")
    return [data[start : start + SHARD_BYTES] for start in range(0, len(data), SHARD_BYTES)]


@dataclass(frozen=True)
class ImageDataset:
    """Images (uint8[N, height, width]) and their labels (uint8[N]), of which the first `train_images` are for training,
    in so many variants each.
    """

    images: Numbers
    labels: Numbers
    train_images: int
    variants: int
    shift: int
    blank_percent: int

    @classmethod
    def from_shards(cls, section: dict[str, Any], shards: Sequence[bytes]) -> ImageDataset:
        """The dataset in `shards`, as `build_shards` made them. Raises ValueError if it is not the config's."""
        count, size = section["train_images"] + section["validation_images"], section["height"] * section["width"]
        lines = [line.split(b",") for line in b"".join(shards).splitlines()]
        if len(lines) != count or any(len(line) != size + 1 for line in lines):
            raise ValueError(f"the shards are not {count} lines of {size} pixels and a label")
        table = np.array([[int(value) for value in line] for line in lines])
        pixels, labels = table[:, :-1], table[:, -1]
        if pixels.min() < 0 or pixels.max() > section["brightest"]:
            raise ValueError(f"the shards have pixels outside of 0 .. {section['brightest']}")
        if labels.min() < 0 or labels.max() >= section["classes"]:
            raise ValueError(f"the shards have labels outside of 0 .. {section['classes'] - 1}")
        images = pixels.astype(np.uint8).reshape(count, section["height"], section["width"])
        choices = (section[name] for name in ("train_images", "variants", "shift", "blank_percent"))
        return cls(images, labels.astype(np.uint8), *choices)

    @property
    def bound(self) -> int:
        """Number of variants of training images."""
        return self.train_images * self.variants

    def get_batch(self, indices: npt.NDArray[np.int64]) -> Batch:
        """(pixels uint8[B, pixels], labels uint8[B]) of the variants at `indices` (int64[B]): image = index //
        variants. Same index, same variant.
        """
        if indices.ndim != 1 or indices.size == 0 or indices.min() < 0 or indices.max() >= self.bound:
            raise ValueError(f"indices must be in 0 .. {self.bound - 1}")
        _, height, width = self.images.shape
        chances = _draw(indices, height * width + 2)
        moves = (chances[:, :2] % (2 * self.shift + 1)).astype(np.int64)
        places = indices // self.variants
        room = np.pad(self.images[places], ((0, 0), (self.shift, self.shift), (self.shift, self.shift)))
        rows, columns = moves[:, :1] + np.arange(height), moves[:, 1:] + np.arange(width)
        moved = room[np.arange(len(indices))[:, None, None], rows[:, :, None], columns[:, None, :]]
        return np.where(chances[:, 2:] % 100 < self.blank_percent, 0, moved.reshape(len(indices), -1)), self.labels[
            places
        ]

    def get_validation(self, batch_size: int) -> Iterator[Batch]:
        """The validation images as they are, once each, in batches of `batch_size`."""
        for first in range(self.train_images, len(self.labels) - batch_size + 1, batch_size):
            some = slice(first, first + batch_size)
            yield self.images[some].reshape(batch_size, -1), self.labels[some]


def _draw(indices: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.uint64]:
    """`count` pseudo-random numbers for each index, uint64[B, count]: SplitMix64 of their number."""
    x = np.repeat(indices.astype(np.uint64)[:, None], count, axis=1)
    x *= np.uint64(count)
    x += np.arange(1, count + 1, dtype=np.uint64)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x
