"""Measures a round of training on this machine: `python -m trainer.roles.warm_up PRESET HEIGHTS BATCH_SIZE CACHE`
prints its seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from trainer.learn.local_training import use_compile_cache
from trainer.roles.plan import make_plan


def main() -> None:
    """Prints the seconds of a round once compiled."""
    preset, heights, batch_size, cache = sys.argv[1:]
    use_compile_cache(Path(cache))
    plan = make_plan(preset, int(heights), int(batch_size))
    print(plan.make_trainer(plan.task.build_shards()).warm_up())


if __name__ == "__main__":
    main()
