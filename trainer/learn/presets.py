"""Recommended numbers for the built-in presets: what is trained, how the workers do it, and the public schedule that
fits.

Text, measured with `make bench-loss` (8 seats, 960 local steps, H = 8, one run each, noise about 0.004): the loss is
flat, 1.226 to 1.237, for rates of 0.024 to 0.048 with rate * factor of 0.0025 to 0.0036; rate / factor 0.024 / 0.07
gave 1.257, 0.012 / 0.14 gave 1.272, 0.006 / 0.28 gave 1.302. Above a rate of 0.03, replays that start cold 8 heights
earlier agree in fewer bits than the 97.9 % that they reach here at the worst (97.5 % at 0.036).

Digits (4 seats, 24 heights, H = 8, batches of 64): what decides is how far replays agree, since the accuracy is 93 to
96 % with all. From height 8 on, replays that start cold 4 heights earlier agree in 98.3 % of the bits or more with a
rate of 0.006, factor 0.24 and momentum 0.7; in 96.4 % with momentum 0.9; in 93.7 to 97.6 % with a rate of 0.03 and
factor 0.12. Images as they are, without variants, are known by heart after 10 heights: 80 to 90 % with 8 heights.

The protocol wants rate * factor * local steps below 2^17 / 2^22 = 0.03125.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trainer.learn.models import char_gpt, mlp
from trainer.learn.settings import LocalSettings
from trainer.protocol.constants import SCALE_BITS
from trainer.protocol.step import Schedule

# The public step at its peak, in sums of a round's inner learning rates, by task.
STEP_FACTOR = {char_gpt.NAME: 0.12, mlp.NAME: 0.24}
BATCH = {"tiny": 4, "bench": 4, "demo": 64, "digits": 64}  # examples in a local step, by preset

_TEXT = LocalSettings(
    local_steps=8,
    batch_size=BATCH["bench"],
    peak_learning_rate=3.0e-2,
    muon_momentum=0.9,
    newton_schulz_steps=5,
    adam_leaves=("embedding", "unembedding"),
    adam_rate=1.0,
    adam_b1=0.9,
    adam_b2=0.99,
    epsilon=1e-8,
    weight_decay=0.0,
)
_DIGITS = replace(_TEXT, peak_learning_rate=6.0e-3, muon_momentum=0.7, adam_leaves=("out",), adam_b1=0.7, adam_b2=0.95)


def get_task(preset: str) -> str:
    """The name of the built-in task that a preset belongs to."""
    return mlp.NAME if preset in mlp.PRESETS else char_gpt.NAME


def make_config(preset: str) -> dict[str, Any]:
    """The whole config of a preset's task; reads its data."""
    return mlp.make_config(preset) if get_task(preset) == mlp.NAME else char_gpt.make_config(preset)


def make_local(preset: str) -> LocalSettings:
    """Settings of a preset.

    The inner rate is far above what the public state moves by: the local copies look ahead, and only directions count.
    """
    return replace(_DIGITS if get_task(preset) == mlp.NAME else _TEXT, batch_size=BATCH[preset])


def make_schedule(settings: LocalSettings, heights: int, factor: float = STEP_FACTOR[char_gpt.NAME]) -> Schedule:
    """The public schedule of a run of `heights` rounds: falls to zero all the way, since one vote is mostly noise."""
    peak = round(factor * settings.local_steps * settings.peak_learning_rate * 2**SCALE_BITS)
    return Schedule(peak, 1, max(heights - 1, 1), heights)
