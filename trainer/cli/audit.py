"""`comitia audit`: replays a run from the chain and IPFS alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from trainer.cli.options import (
    connect,
    deployments_option,
    home_option,
    ipfs_option,
    json_option,
    key_options,
    load_key,
    parse_address,
    parse_coins,
    rpc_option,
    show,
    split_urls,
)
from trainer.cli.watch import POLL_SECONDS, watch
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.chain.client import RunClient
    from trainer.chain.deployment import Deployment


@click.command()
@click.option("--address", type=parse_address, help="Address of the run's contract: nothing else is needed.")
@click.option(
    "--run", "run_name", envvar="COMITIA_RUN", show_envvar=True, help="In place of --address: name or file of the run."
)
@deployments_option
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A state that is claimed to be right (raw int32, as a worker keeps it in state/<height>.bin): a mismatch "
    "then names its first differing chunk.",
)
@click.option("--state-height", type=int, help="The height of --state; taken from its name without it.")
@click.option(
    "--save",
    "save_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the last replayed state here (raw int32).",
)
@click.option(
    "--watch",
    "is_watching",
    is_flag=True,
    help="Stay: replay rounds as they become final, challenge a wrong root, answer challenges of right ones, and "
    "execute what is due. With --account or --keystore; without, it only tells what it would do.",
)
@click.option(
    "--budget",
    type=parse_coins,
    help="With --watch: coins that may be held or lost as bonds of challenges at the same time; none without it.",
)
@click.option(
    "--poll-seconds",
    type=float,
    default=POLL_SECONDS,
    show_default=True,
    help="With --watch: between two looks at the chain.",
)
@home_option
@key_options
@rpc_option
@ipfs_option
@json_option
def audit(
    address: str | None,
    run_name: str | None,
    deployments: Path,
    state_file: Path | None,
    state_height: int | None,
    save_file: Path | None,
    is_watching: bool,
    budget: int | None,
    poll_seconds: float,
    home: Path,
    rpc_urls: tuple[str, ...],
    ipfs_api: str,
    as_json: bool,
    **key: Any,
) -> None:
    """Replays every final round and compares every root. Exit code 8: a root or an accepted set differs; 11: a blob
    cannot be had.
    """

    from trainer.blobs.kubo import KuboStore
    from trainer.chain.feed import EventFeed
    from trainer.roles.auditor import Auditor
    from trainer.roles.journal import write_file
    from trainer.roles.library import load_library
    from trainer.roles.neighbours import connect_seats
    from trainer.roles.replica import ChainReplica
    from trainer.roles.watching import read_state

    started = time.monotonic()
    is_run_asked = click.get_current_context().get_parameter_source("run_name") is ParameterSource.COMMANDLINE
    if (is_run_asked and address) or not (run_name or address):
        raise UsageError("say which run: --address 0x… or --run NAME")

    def reach() -> tuple[RunClient, Deployment]:
        return _reach(rpc_urls, address, str(run_name), deployments)

    if is_watching:
        if save_file is not None:
            raise UsageError("--save is of a replay that ends; leave --watch away")
        claimed = {}
        if state_file is not None:
            claimed[_find_height(state_file, state_height)] = read_state(state_file)
        account = load_key(home, **key) if key["account"] or key["keystore"] else None
        watch(reach, account, budget or 0, home, ipfs_api, claimed, as_json, poll_seconds)
        return
    if budget is not None:
        raise UsageError("--budget goes with --watch: an audit that ends posts no challenges")
    client, deployment = reach()
    replica = ChainReplica(EventFeed(client, deployment.block), deployment.parameters, client.domains)
    head = replica.poll()
    run = replica.run
    claimed = {}
    if state_file is not None:
        height = _find_height(state_file, state_height)
        if not 1 <= height <= run.height:
            raise UsageError(f"--state is of height {height}; the run's final heights are 1 to {run.height}")
        claimed[height] = read_state(state_file)

    def report(event: str, **values: object) -> None:
        if event == "overturned":
            if not as_json:
                click.echo(f"round {values['round']}: overturned: {values['reason']}", err=True)
        elif not as_json:
            click.echo(
                f"round {values['round']}: height {values['height']} of {values['heights']}, root {values['root']}… "
                f"equal",
                err=True,
            )

    store = KuboStore(ipfs_api)
    connect_seats(store, run, allow_private=deployment.chain_id == 31337)
    if not as_json:
        click.echo(f"run {deployment.address} at block {head.number}: {run.height} heights to replay", err=True)
    library = load_library(store, deployment.parameters, time.monotonic, with_shards=False)
    found = Auditor(run, store, time.monotonic, report, claimed, rules=library.rules).replay(library.genesis)
    if save_file is not None:
        write_file(save_file, found.state.astype("<i4").tobytes())
    result = {
        "verdict": "ok",
        "heights": found.height,
        "rounds": len(run.rounds),
        "root": found.root.hex(),
        "unjudged_rounds": list(found.unjudged),
        "overturned_rounds": {str(round_id): reason for round_id, reason in found.overturned.items()},
        "block": head.number,
        "seconds": round(time.monotonic() - started, 2),
    }
    show(result, as_json=as_json)


def _reach(
    rpc_urls: tuple[str, ...], address: str | None, run_name: str, deployments: Path
) -> tuple[RunClient, Deployment]:
    """Client and deployment of --address, whatever COMITIA_RUN names, or of --run."""
    from trainer.chain.client import RunClient
    from trainer.chain.discovery import discover_deployment

    if address is None:
        return connect(rpc_urls, run_name, deployments)
    deployment = discover_deployment(split_urls(rpc_urls), address)
    return RunClient(split_urls(rpc_urls), deployment), deployment


def _find_height(state_file: Path, given: int | None) -> int:
    if given is None and not state_file.stem.isdigit():
        raise UsageError("which height is --state of? give --state-height")
    return int(state_file.stem) if given is None else given
