"""What a preset trains and how: task, local settings, schedule and cross-checks of a new run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from trainer.learn.local_training import LocalTrainer
from trainer.learn.presets import STEP_FACTOR, get_task, make_config, make_local, make_schedule
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Task
from trainer.protocol.checks import CheckRules
from trainer.protocol.step import Schedule

# Early in a run of `bench` honest work agrees in 97.5 %, 0.3 the deviation of a sample; with one of eight steps left
# out in 86 %, in 93 to 95 % where batches are larger (docs/operating.md).
CHECKS = CheckRules(rate=32, epoch=64, depth=8, sample=4096, agreement=96, recheck=95)
# Of a run so short that whole epochs would draw nobody before its end. Never a smaller depth: early in a run replays
# that begin four heights before agree in 90 % with honest work (`comitia bench agreement`).
SHORT_RUN = 512  # heights
SHORT_CHECKS = replace(CHECKS, epoch=8)


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
    """The plan of a preset for so many heights; `batch_size` None = the preset's."""
    settings = make_local(preset)
    if batch_size is not None:
        settings = replace(settings, batch_size=batch_size)
    schedule = make_schedule(settings, heights, STEP_FACTOR[get_task(preset)])
    return Plan(Task.from_config(make_config(preset)), settings, schedule)


def choose_checks(heights: int) -> CheckRules:
    """The rules of the cross-checks for a run of so many heights."""
    return SHORT_CHECKS if heights < SHORT_RUN else CHECKS


def make_training(settings: LocalSettings, rules: CheckRules) -> dict[str, object]:
    """The section `training` of a run's specification."""
    return {"local": settings.to_config(), "checks": asdict(rules)}
