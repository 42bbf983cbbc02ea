"""`make adversaries`: every adversary as processes on a devnet, or in memory, and one table of what became of each."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from tests.adversaries import arena, memory
from tests.adversaries.count import Count
from tests.adversaries.setting import HEIGHTS, RULES
from tests.adversaries.zoo import BY_NAME, HONEST, ZOO, Adversary
from tests.integration.stage import open_stage

Play = Callable[[Adversary | None], Count]

HEAD = (
    "| adversary | of the weight, % | what it tries | accepted, % | pay kept, % | condemned / benched | "
    "noticed after | loss (without: {:.3f}) | void rounds | honest pay, % |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def main() -> None:
    """Plays all, or those that are named."""
    parser = argparse.ArgumentParser(prog="make adversaries", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BY_NAME)}; all without it")
    parser.add_argument(
        "--memory", action="store_true", help="without processes: minutes, and the same batches for all"
    )
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BY_NAME]
    if unknown:
        parser.error(f"no adversary is called {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    chosen = [BY_NAME[name] for name in arguments.names] or list(ZOO)
    ground = _in_memory if arguments.memory else _on_devnet
    with tempfile.TemporaryDirectory(prefix="comitia-adversaries-") as home, ground(Path(home)) as play:
        honest = _tell(play, None, f"1/{len(chosen) + 1} without an adversary")
        found = [
            (adversary, _tell(play, adversary, f"{place}/{len(chosen) + 1} {adversary.name}"))
            for place, adversary in enumerate(chosen, 2)
        ]
    print(f"\n{HEIGHTS} heights, {len(HONEST)} honest seats of weight {HONEST[0]}, checks of one in {RULES.rate}.\n")
    print(HEAD.format(honest.loss))
    print(_describe("none", "", "", honest))
    for adversary, count in found:
        share = 100 * sum(adversary.weights) / sum((*HONEST, *adversary.weights))
        print(_describe(adversary.name, f"{share:.0f}", adversary.tries, count))


@contextmanager
def _on_devnet(home: Path) -> Iterator[Play]:
    with open_stage(home) as stage:
        yield lambda adversary: arena.play(stage, adversary)


@contextmanager
def _in_memory(home: Path) -> Iterator[Play]:
    trainer = memory.make_trainer()
    yield lambda adversary: memory.play(trainer, home / (adversary.name if adversary else "none"), adversary)


def _tell(play: Play, adversary: Adversary | None, what: str) -> Count:
    started = time.monotonic()
    print(what, end=" ", flush=True)
    found = play(adversary)
    print(f"{time.monotonic() - started:.0f} s", flush=True)
    return found


def _describe(name: str, share: str, tries: str, count: Count) -> str:
    noticed = f"{count.noticed} rounds" if count.noticed else ""
    return (
        f"| {name} | {share} | {tries} | {100 * count.accepted:.0f} | {100 * count.pay:.0f} | "
        f"{count.condemned} / {count.benched} | {noticed} | {count.loss:.3f} | {count.voids} | "
        f"{100 * count.honest_pay:.0f} |"
    )


main()
