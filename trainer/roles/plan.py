"""What a preset trains and how: task, local settings and schedule of a new run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainer.learn.local_training import LocalTrainer
from trainer.learn.models.char_gpt import make_config
from trainer.learn.presets import make_local, make_schedule
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Task
from trainer.protocol.step import Schedule


@dataclass(frozen=True)
class Plan:
    """A run that is not deployed yet."""

    task: Task
    settings: LocalSettings
    schedule: Schedule

    def make_trainer(self, shards: Sequence[bytes]) -> LocalTrainer:
        """A trainer on the plan's own data."""
        return LocalTrainer(self.task, self.task.load_data(shards), self.settings, self.schedule)


def make_plan(preset: str, heights: int, batch_size: int | None) -> Plan:
    """The plan of a char-gpt preset for so many heights; `batch_size` None = the preset's."""
    settings = make_local(preset)
    if batch_size is not None:
        settings = replace(settings, batch_size=batch_size)
    return Plan(Task.from_config(make_config(preset)), settings, make_schedule(settings, heights))
