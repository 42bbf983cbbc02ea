"""`comitia recompute`: trains again what a seat was to train in a round, and says how far its work agrees."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from trainer.cli.options import (
    connect,
    deployments_option,
    dtype_option,
    home_option,
    ipfs_option,
    json_option,
    parse_address,
    rpc_option,
    show,
    split_urls,
)
from trainer.cli.progress import Progress
from trainer.errors import AuditMismatch, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainer.blobs.store import BlobStore
    from trainer.chain.client import RunClient
    from trainer.chain.deployment import Deployment
    from trainer.learn.local_training import LocalTrainer
    from trainer.protocol.checks import CheckRules
    from trainer.protocol.run_state import RunState
    from trainer.roles.library import Library
    from trainer.roles.recomputation import Recomputation

AGREES, DISAGREES = "agrees", "disagrees"

depth_option = click.option(
    "--depth", type=click.IntRange(0, 1 << 16), help="Heights that a replay begins earlier; the run's own without it."
)


def address_options(command: Any) -> Any:
    """--address and --run, either of which names a run."""
    command = click.option(
        "--run",
        "run_name",
        envvar="COMITIA_RUN",
        show_envvar=True,
        help="In place of --address: name or file of the run.",
    )(deployments_option(command))
    return click.option("--address", type=parse_address, help="Address of the run's contract: nothing else is needed.")(
        command
    )


def parse_share(text: str) -> float:
    """A share above 0, at most 1, as the type of an option: 5%, 0.05."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise click.BadParameter(f"{text!r} is no share, such as 5% or 0.05")
    return share


def reach(
    rpc_urls: tuple[str, ...], address: str | None, run_name: str | None, deployments: Path
) -> tuple[RunClient, Deployment]:
    """Client and deployment of --address, whatever COMITIA_RUN names, or of --run."""
    from trainer.chain.client import RunClient
    from trainer.chain.discovery import discover_deployment

    is_run_asked = click.get_current_context().get_parameter_source("run_name") is ParameterSource.COMMANDLINE
    if (is_run_asked and address) or not (run_name or address):
        raise UsageError("say which run: --address 0x… or --run NAME")
    if address is None:
        return connect(rpc_urls, str(run_name), deployments)
    deployment = discover_deployment(split_urls(rpc_urls), address)
    return RunClient(split_urls(rpc_urls), deployment), deployment


@dataclass(frozen=True)
class Training:
    """What recomputing takes. depth: heights that a replay begins earlier."""

    trainer: LocalTrainer
    rules: CheckRules
    depth: int

    def judge(self, found: Recomputation) -> str:
        """AGREES or DISAGREES."""
        return AGREES if found.is_confirmed(self.rules) else DISAGREES

    def describe(self, found: Recomputation) -> dict[str, Any]:
        """A recomputation as JSON."""
        return {
            "round": found.round,
            "seat": found.seat,
            "height": found.height,
            "verdict": self.judge(found),
            "percent": round(found.percent, 3),
            "threshold_percent": self.rules.recheck,
            "agreeing_bits": found.agreeing,
            "bits": found.parameter_count,
            "replayed_heights": found.replayed,
            "from_the_streaks_start": found.is_exact,
            "training_seconds": round(found.seconds, 2),
        }

    def summarise(self, found: Sequence[Recomputation]) -> dict[str, Any]:
        """Several as JSON: those that disagree, and the lowest agreement."""
        lowest = min(found, key=lambda each: each.agreeing, default=None)
        return {
            "recomputed_submissions": len(found),
            "disagreeing_submissions": [self.describe(each) for each in found if self.judge(each) == DISAGREES],
            "lowest_percent": round(lowest.percent, 3) if lowest else None,
            "threshold_percent": self.rules.recheck,
            "training_seconds": round(sum(each.seconds for each in found), 2),
        }


def prepare(
    library: Library, deployment: Deployment, home: Path, dtype: str, depth: int | None, report: Callable[..., None]
) -> Training:
    """The trainer of a run, compiled. depth: None = the run's own."""
    from trainer.roles.assembly import make_trainer

    trainer = make_trainer(library, deployment.parameters, home.expanduser(), report, dtype)
    return Training(trainer, library.rules, library.rules.depth if depth is None else depth)


@click.command()
@click.argument("round_id", metavar="ROUND", type=click.IntRange(0))
@click.argument("seat_id", metavar="SEAT", type=click.IntRange(0, 255))
@address_options
@depth_option
@dtype_option
@home_option
@rpc_option
@ipfs_option
@json_option
def recompute(
    round_id: int,
    seat_id: int,
    address: str | None,
    run_name: str | None,
    deployments: Path,
    depth: int | None,
    dtype: str,
    home: Path,
    rpc_urls: tuple[str, ...],
    ipfs_api: str,
    as_json: bool,
) -> None:
    """Trains again what SEAT was to train in ROUND, from public data, and compares all bits with what it handed in.

    Needs no key. Replays the run's states up to the round, then at most --depth heights of the seat's training. Exit
    code 8: less agrees than the run's threshold for disputes asks for; 11: a blob cannot be had.
    """
    from trainer.roles.auditor import Auditor
    from trainer.roles.library import load_library
    from trainer.roles.recomputation import Recomputer, check_submission, fetch_bits

    started = time.monotonic()
    client, deployment = reach(rpc_urls, address, run_name, deployments)
    run, store, _ = open_run(client, deployment, ipfs_api)
    check_submission(run, round_id, seat_id)
    progress = Progress(0, is_quiet=as_json)
    fetch_bits(run, store, round_id, seat_id)  # what cannot be compared need not be computed
    progress.say("fetching the run's documents")
    library = load_library(store, deployment.parameters, time.monotonic)
    report = make_reporter(progress)
    training = prepare(library, deployment, home, dtype, depth, report)
    recomputer = Recomputer(run, store, training.trainer, training.depth, [(round_id, seat_id)], report)
    auditor = Auditor(run, store, time.monotonic, report, {}, rules=library.rules)
    auditor.replay(library.genesis, recomputer.last_height, recomputer.on_state)
    progress.close()
    (found,) = recomputer.found
    show(training.describe(found) | {"seconds": round(time.monotonic() - started, 2)}, as_json=as_json)
    if training.judge(found) == DISAGREES:
        raise AuditMismatch(f"round {round_id}: only {found.percent:.2f} % of seat {seat_id}'s bits are as recomputed")


def open_run(client: RunClient, deployment: Deployment, ipfs_api: str) -> tuple[RunState, BlobStore, int]:
    """The run as the chain has it, a store that has dialled its seats, and the number of the block."""
    from trainer.blobs.kubo import KuboStore
    from trainer.chain.feed import EventFeed
    from trainer.roles.assembly import DEVNET_CHAIN_ID
    from trainer.roles.neighbours import connect_seats
    from trainer.roles.replica import ChainReplica

    replica = ChainReplica(EventFeed(client, deployment.block), deployment.parameters, client.domains)
    head = replica.poll()
    store = KuboStore(ipfs_api)
    connect_seats(store, replica.run, allow_private=deployment.chain_id == DEVNET_CHAIN_ID)
    return replica.run, store, head.number


def make_reporter(progress: Progress) -> Callable[..., None]:
    """Says what a replay and its training are at."""

    def report(event: str, **values: Any) -> None:
        if event == "compiling":
            progress.say(f"compiling {values['what']}")
        elif event == "replayed":
            progress.advance(0, f"replayed round {values['round']}: height {values['height']} of {values['heights']}")
        elif event == "training":
            progress.advance(
                0,
                f"round {values['round']}, seat {values['seat']}: training from height {values['height']} again, of "
                f"{values['first']} to {values['last']}",
            )
        elif event == "recomputed":
            progress.say(f"round {values['round']}, seat {values['seat']}: {values['percent']:.2f} % of the bits agree")

    return report
