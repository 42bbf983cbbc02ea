"""`comitia worker`: one participant."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import (
    connect,
    dtype_option,
    home_option,
    ipfs_option,
    json_option,
    key_options,
    load_key,
    rpc_option,
    run_options,
)
from trainer.errors import BlobError, UnreachableError, UsageError

if TYPE_CHECKING:
    from trainer.protocol.run_state import Seat
    from trainer.roles.worker import Parts

POLL_SECONDS = 0.1  # between two looks at the chain's head; one request on the own node


@click.command()
@click.option("--seat", "wanted", type=click.IntRange(0, 255), help="Which seat, if the key operates several.")
@click.option(
    "--single-key",
    is_flag=True,
    help="Allow owner and operator to be one key: whoever breaks in then has the stake, too.",
)
@click.option(
    "--poll-seconds",
    type=float,
    default=POLL_SECONDS,
    show_default=True,
    help="Between two looks at the chain; more on a public node.",
)
@dtype_option
@ipfs_option
@rpc_option
@run_options
@home_option
@key_options
@json_option
def worker(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    ipfs_api: str,
    wanted: int | None,
    single_key: bool,
    poll_seconds: float,
    dtype: str,
    as_json: bool,
    **key: Any,
) -> None:
    """Trains, commits, reveals and votes for one seat until the run is finished. SIGTERM stops it cleanly; started
    again it goes on.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    report = make_report(as_json)
    operator = load_key(home, **key)
    from trainer.roles.assembly import assemble
    from trainer.roles.worker import Worker

    def start() -> tuple[Parts, Seat]:
        client, deployment = connect(rpc_urls, run_name, deployments)
        return assemble(client, deployment, operator, wanted, home.expanduser(), ipfs_api, report, dtype)

    made = _patiently(start, stop, report)
    if made is None:
        return
    parts, seat = made
    if seat.owner == operator.address and not single_key:
        raise UsageError(
            f"this key also owns seat {seat.seat}: keep the owner's key off the worker, or say --single-key"
        )

    report("started", seat=seat.seat, weight=seat.next_weight, operator=operator.address, run=run_name)
    Worker(seat.seat, parts, poll_seconds=poll_seconds, stop=stop).run()
    report("stopped")


def make_report(as_json: bool) -> Callable[..., None]:
    """report(event, **values): one line for each decision."""

    def report(event: str, **values: object) -> None:
        if as_json:
            click.echo(json.dumps({"time": round(time.time(), 3), "event": event, **values}))
        else:
            click.echo(
                " ".join(
                    [time.strftime("%H:%M:%S"), f"{event:<10}", *(f"{name}={value}" for name, value in values.items())]
                )
            )

    return report


def _patiently(action: Callable[[], Any], stop: threading.Event, report: Callable[..., None]) -> Any:
    """Until it works or the worker is stopped: a chain or Kubo that is away is waited for."""
    told = ""
    while not stop.is_set():
        try:
            return action()
        except (UnreachableError, BlobError) as error:
            if str(error) != told:
                told = str(error)
                report("waiting", reason=told)
            stop.wait(1.0)
    return None
