"""Recommended numbers for the built-in presets: how the workers train, and the public schedule that fits it.

Measured with `make bench-loss` (8 seats, 960 local steps, H = 8, one run each, noise about 0.004): the loss is flat,
1.226 to 1.237, for rates of 0.024 to 0.048 with rate * factor of 0.0025 to 0.0036; rate / factor 0.024 / 0.07 gave
1.257, 0.012 / 0.14 gave 1.272, 0.006 / 0.28 gave 1.302. Above a rate of 0.03, replays that start cold 8 heights
earlier agree in fewer bits than the 97.9 % that they reach here at the worst (97.5 % at 0.036).
The protocol wants rate * factor * local steps below 2^17 / 2^22 = 0.03125.
"""

from __future__ import annotations

from trainer.learn.settings import LocalSettings
from trainer.protocol.constants import SCALE_BITS
from trainer.protocol.step import Schedule

STEP_FACTOR = 0.12  # the public step at its peak, in sums of a round's inner learning rates
BATCH = {"tiny": 4, "bench": 4, "demo": 64}


def make_local(preset: str) -> LocalSettings:
    """Settings of a char-gpt preset.

    The inner rate is far above what the public state moves by: the local copies look ahead, and only directions count.
    """
    return LocalSettings(
        local_steps=8,
        batch_size=BATCH[preset],
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


def make_schedule(settings: LocalSettings, heights: int) -> Schedule:
    """The public schedule of a run of `heights` rounds: falls to zero all the way, since one vote is mostly noise."""
    peak = round(STEP_FACTOR * settings.local_steps * settings.peak_learning_rate * 2**SCALE_BITS)
    return Schedule(peak, 1, max(heights - 1, 1), heights)
