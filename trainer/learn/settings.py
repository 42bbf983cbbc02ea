"""How the workers of a run train: a section of the run specification, and the optimizer it describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import optax

from trainer.learn.layout import Layout
from trainer.learn.task import expect_keys


@dataclass(frozen=True)
class LocalSettings:
    """How every worker of a run trains; part of the run specification.

    local_steps: H. batch_size: examples in a step. peak_learning_rate: at the schedule's peak; at height h it is peak *
    step(h) / peakStep. Matrices go to Muon (momentum with Nesterov's look-ahead, orthogonalised in
    `newton_schulz_steps`); leaves named in `adam_leaves`, and all that are not matrices, to AdamW, with the learning
    rate times `adam_rate`. weight_decay: for both, times the learning rate.
    """

    local_steps: int
    batch_size: int
    peak_learning_rate: float
    muon_momentum: float
    newton_schulz_steps: int
    adam_leaves: tuple[str, ...]
    adam_rate: float
    adam_b1: float
    adam_b2: float
    epsilon: float
    weight_decay: float

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LocalSettings:
        """Settings from JSON; raises ValueError for a missing or superfluous value."""
        expect_keys("local", dict(config), tuple(cls.__dataclass_fields__))
        return cls(**{**config, "adam_leaves": tuple(config["adam_leaves"])})

    def to_config(self) -> dict[str, Any]:
        """The same as JSON-able values."""
        return {**asdict(self), "adam_leaves": list(self.adam_leaves)}

    def make_optimizer(self, layout: Layout) -> optax.GradientTransformation:
        """The inner optimizer with a learning rate of 1: its updates are multiplied by the height's rate."""
        matrices = {name for name, shape in zip(layout.names, layout.shapes, strict=True) if len(shape) == 2}
        if not matrices.issuperset(self.adam_leaves):
            raise ValueError(f"adam_leaves: the model has no matrices {sorted(set(self.adam_leaves) - matrices)}")
        matrices -= set(self.adam_leaves)
        axes = {name: optax.contrib.MuonDimensionNumbers(0, 1) if name in matrices else None for name in layout.names}
        return optax.contrib.muon(
            learning_rate=1.0,
            ns_steps=self.newton_schulz_steps,
            beta=self.muon_momentum,
            eps=self.epsilon,
            weight_decay=self.weight_decay,
            adam_b1=self.adam_b1,
            adam_b2=self.adam_b2,
            adam_weight_decay=self.weight_decay,
            adam_learning_rate=self.adam_rate,
            muon_weight_dimension_numbers=axes,
        )
