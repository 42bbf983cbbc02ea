"""Recommended numbers for the built-in presets: how the workers train, and the public schedule that fits it."""

from __future__ import annotations

from trainer.learn.settings import LocalSettings
from trainer.protocol.constants import SCALE_BITS
from trainer.protocol.step import Schedule

STEP_FACTOR = 0.14  # of the sum of a round's inner learning rates (docs: measurements)
BATCH = {"tiny": 4, "bench": 4, "demo": 64}


def make_local(preset: str) -> LocalSettings:
    """Settings of a char-gpt preset."""
    return LocalSettings(
        local_steps=8,
        batch_size=BATCH[preset],
        peak_learning_rate=1.2e-2,
        muon_momentum=0.9,
        newton_schulz_steps=5,
        adam_leaves=("embedding", "unembedding"),
        adam_rate=1.0,
        adam_b1=0.9,
        adam_b2=0.999,
        epsilon=1e-8,
        weight_decay=0.0,
    )


def make_schedule(settings: LocalSettings, heights: int) -> Schedule:
    """The public schedule: a short rise, then half of the run falling."""
    peak = round(STEP_FACTOR * settings.local_steps * settings.peak_learning_rate * 2**SCALE_BITS)
    return Schedule(peak, max(heights // 20, 1), max(heights // 2, 1), heights)
