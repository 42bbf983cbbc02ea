"""`comitia bench`: measures what a run's settings should be, on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import home_option, json_option
from trainer.cli.progress import Progress, describe_seconds
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.roles.plan import Plan
    from trainer.roles.thresholds import Advice, Findings

SHOWN = (2, 4, 6, 8, 10, 12, 16)  # columns
# Seats and moments, from thorough to quick: the first that fits into the time.
LADDER = ((4, 3), (4, 2), (2, 2), (2, 1))


@click.group("bench")
def bench_group() -> None:
    """Measures on this machine what a run's settings should be."""


@bench_group.command()
@click.option(
    "--task",
    "task_name",
    required=True,
    help="A preset, as of `comitia deploy`, or the file of a run's specification (task and training).",
)
@click.option(
    "--heights",
    type=click.IntRange(18, 1 << 20),
    default=40,
    show_default=True,
    help="Of the run that is played: its rates follow from it. Only the heights up to the last moment are trained.",
)
@click.option("--batch-size", type=click.IntRange(1, 4096), help="Examples in a local step; the task's without it.")
@click.option(
    "--minutes",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
    help="How long it may take: decides how many seats and moments, where they are not given.",
)
@click.option("--seats", type=click.IntRange(2, 64), help="Seats that train by vote; 4 to 2 without it.")
@click.option("--moments", type=click.IntRange(1, 16), help="Moments of the run to compare at; 3 to 1 without it.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of first state and data.")
@home_option
@json_option
def agreement(
    task_name: str,
    heights: int,
    batch_size: int | None,
    minutes: float,
    seats: int | None,
    moments: int | None,
    seed: int,
    home: Path,
    as_json: bool,
) -> None:
    """How far honest recomputations agree with a seat's work, how far cheats do, and what follows for `checks`.

    A few seats train by vote and never reset; replays start cold K heights earlier, for K of 2 to 16 and each numerics
    of this machine; cheats train the same work their own way. Recommends depth (K), sample and thresholds.
    """
    from trainer.learn.local_training import use_compile_cache
    from trainer.learn.numerics import explain_missing, find_numerics
    from trainer.roles.agreement import Measurement, choose_starts
    from trainer.roles.thresholds import Findings

    plan, shards = _find_plan(task_name, heights, batch_size)
    use_compile_cache(home.expanduser() / "jax-cache")
    numerics = find_numerics()
    data = plan.task.load_data(shards)
    progress = Progress(0, is_quiet=as_json)
    progress.say(f"{task_name}: {plan.task.layout.parameter_count:,} parameters; compiling and timing a round")
    seconds = [each.make(plan.task, data, plan.settings, plan.schedule).warm_up() for each in numerics]
    choices = []
    for some, few in LADDER:
        starts = choose_starts(moments or few, heights)
        measurement = Measurement(plan.task, data, plan.settings, plan.schedule, numerics, seats or some, seed)
        choices.append((measurement, starts, measurement.compute_cost(starts)))
    mean = sum(seconds) / len(seconds)
    found, starts, cost = next((choice for choice in choices if choice[2] * mean <= 60 * minutes), choices[-1])
    progress.say(
        f"{found.seats} seats, windows from heights {', '.join(map(str, starts))}; a round takes "
        f"{' / '.join(f'{s:.2f}' for s in seconds)} s ({' / '.join(each.name for each in numerics)}), all about "
        f"{describe_seconds(cost * mean)}"
    )
    if missing := explain_missing():
        progress.say(missing)
    progress = Progress(cost, is_quiet=as_json)
    agreements = found.run(starts, progress.advance)
    progress.close()
    findings = Findings(agreements, found.cheats, plan.task.layout.parameter_count)
    advice = findings.advise()
    if as_json:
        about = {
            "task": task_name,
            "parameters": plan.task.layout.parameter_count,
            "settings": plan.settings.to_config(),
            "heights": heights,
            "seats": found.seats,
            "starts": starts,
            "seed": seed,
            "seconds_a_round": {each.name: s for each, s in zip(numerics, seconds, strict=True)},
            "missing": missing,
        }
        click.echo(json.dumps(about | describe(findings, advice) | {"agreements": [asdict(a) for a in agreements]}))
    else:
        for line in explain(findings, advice):
            click.echo(line)


def _find_plan(name: str, heights: int, batch_size: int | None) -> tuple[Plan, list[bytes]]:
    """Plan and data of --task."""
    from dataclasses import replace

    from trainer.learn.presets import BATCH, make_schedule
    from trainer.learn.settings import LocalSettings
    from trainer.learn.task import Task
    from trainer.roles.plan import Plan, make_plan

    if name in BATCH:
        plan = make_plan(name, heights, batch_size)
    elif Path(name).is_file():
        try:
            document = json.loads(Path(name).read_text(encoding="utf-8"))
            settings = LocalSettings.from_config(document["training"]["local"])
            task = Task.from_config(document["task"])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{name} is no specification of a run: {error!r:.200}") from error
        settings = replace(settings, batch_size=batch_size or settings.batch_size)
        plan = Plan(task, settings, make_schedule(settings, heights))
    else:
        raise UsageError(f"--task {name!r} is neither a preset ({', '.join(BATCH)}) nor a file")
    return plan, list(plan.task.build_shards())


def describe(findings: Findings, advice: Advice) -> dict[str, Any]:
    """All that follows from the agreements, as JSON."""
    from trainer.roles.agreement import DEPTHS
    from trainer.roles.thresholds import SAMPLES

    choice = advice.choice
    return {
        "honest": {depth: asdict(findings.get_honest(depth)) for depth in DEPTHS},
        "cheats": {
            kind: {depth: asdict(findings.get_cheat(kind, depth)) for depth in DEPTHS} for kind in findings.cheats
        },
        "depths": [asdict(findings.choose(depth, findings.largest_sample)) for depth in DEPTHS],
        "samples": [asdict(findings.choose(choice.depth, sample)) for sample in SAMPLES],
        "advice": {
            "depth": choice.depth,
            "sample": choice.sample,
            "agreement": choice.threshold,
            "recheck": advice.recheck,
            "is_safe": advice.is_safe,
            "thresholds": {
                threshold: {
                    "honest_failing": 1 - findings.get_honest(choice.depth).compute_pass(threshold, choice.sample),
                    "caught": findings.compute_caught(choice.depth, threshold, choice.sample),
                }
                for threshold in range(choice.threshold - 2, choice.threshold + 3)
            },
        },
    }


def explain(findings: Findings, advice: Advice) -> list[str]:
    """The same for a person."""
    from trainer.roles.agreement import DEPTHS, HONEST
    from trainer.roles.thresholds import SAFE_CHEAT, SAFE_HONEST, SAMPLES

    choice, size = advice.choice, findings.largest_sample
    lines = ["", "Honest work: % of the bits that a replay from K heights earlier gives again, mean over seats"]
    lines.append(f"{'K':>58} " + " ".join(f"{depth:>6}" for depth in SHOWN))
    for group in sorted(findings.get_groups(HONEST, SHOWN[0])):
        start, seat, replay = group
        cells = [findings.get_groups(HONEST, depth)[group] for depth in SHOWN]
        name = f"from height {start}: {seat}, replayed in {replay}"
        lines.append(f"{name:<58} " + " ".join(f"{sum(cell) / len(cell):6.2f}" for cell in cells))
    extremes = " ".join(f"{findings.get_honest(depth).extreme:6.2f}" for depth in SHOWN)
    lines += [f"{'lowest of all':<58} {extremes}", "", "Cheats: %, mean of the moment in which they agree most"]
    lines.append(f"{'K':>58} " + " ".join(f"{depth:>6}" for depth in SHOWN))
    for kind in findings.cheats:
        lines.append(f"{kind:<58} " + " ".join(f"{findings.get_cheat(kind, depth).worst:6.2f}" for depth in SHOWN))
    lines += [
        "",
        f"What {size:,} bits tell apart (± is one standard deviation of a sample, spread over rounds included)",
    ]
    lines.append(
        f"{'K':>3} {'honest':>15} {'mildest cheat that saves work':>38} {'best threshold':>15} {'margins':>13}"
    )
    for depth in DEPTHS:
        honest, (name, cheat) = findings.get_honest(depth), findings.get_mildest(depth)
        best = findings.choose(depth, size)
        lines.append(
            f"{depth:>3} {honest.worst:7.2f} ± {honest.compute_deviation(size):4.2f} "
            f"{name:>23} {cheat.worst:7.2f} ± {cheat.compute_deviation(size):4.2f} {best.threshold:>13} % "
            f"{best.honest_margin:6.1f} {best.cheat_margin:6.1f}"
        )
    lines += ["", f"At K = {choice.depth}, share of the checks that fail: of honest work, and of cheats"]
    for threshold in range(choice.threshold - 2, choice.threshold + 3):
        failing = 1 - findings.get_honest(choice.depth).compute_pass(threshold, size)
        caught = findings.compute_caught(choice.depth, threshold, size)
        told = [f"{kind} {share:.1%}" for kind, share in caught.items() if share < 0.9995]
        lines.append(f"{threshold:>4} %: honest {failing:.1e}; {', '.join([*told, 'each other above 99.9 %'])}")
    sizes = ", ".join(f"{s:,}: {findings.choose(choice.depth, s).safety:.2f}" for s in SAMPLES)
    lines += [f"Margins by the size of the sample, 1 = just enough: {sizes}", ""]
    if not advice.is_safe:
        lines.append(
            f"No depth keeps {SAFE_HONEST:.1f} standard deviations to honest work and {SAFE_CHEAT:.1f} to cheats here:"
            " these are the best there are."
        )
    lines.append(
        f'recommended: "depth": {choice.depth}, "sample": {choice.sample}, "agreement": {choice.threshold}, '
        f'"recheck": {advice.recheck}'
    )
    return lines
