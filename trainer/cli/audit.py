"""`comitia audit`: replays a run from the chain and IPFS alone, and recomputes a share of the training."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import (
    dtype_option,
    home_option,
    ipfs_option,
    json_option,
    key_options,
    load_key,
    parse_coins,
    rpc_option,
    show,
)
from trainer.cli.progress import Progress
from trainer.cli.recompute import (
    DISAGREES,
    Training,
    address_options,
    depth_option,
    make_reporter,
    open_run,
    parse_share,
    prepare,
    reach,
)
from trainer.cli.watch import POLL_SECONDS, watch
from trainer.errors import AuditMismatch, UsageError

if TYPE_CHECKING:
    from trainer.protocol.judgement import State
    from trainer.roles.auditor import Audit, Auditor
    from trainer.roles.recomputation import Recomputer


@click.command()
@address_options
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
    "--training",
    "share",
    type=parse_share,
    metavar="SHARE",
    help="Recompute this share of the seats' training, too (5% or 0.05; 1 = all), drawn at random.",
)
@click.option("--seed", type=click.IntRange(0), help="With --training: draw the same submissions again.")
@depth_option
@dtype_option
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
    share: float | None,
    seed: int | None,
    depth: int | None,
    dtype: str,
    is_watching: bool,
    budget: int | None,
    poll_seconds: float,
    home: Path,
    rpc_urls: tuple[str, ...],
    ipfs_api: str,
    as_json: bool,
    **key: Any,
) -> None:
    """Replays every final round and compares every root. Exit code 8: a root or an accepted set differs, or work that
    --training recomputed; 11: a blob cannot be had.
    """
    from trainer.roles.auditor import Auditor
    from trainer.roles.journal import write_file
    from trainer.roles.library import load_library
    from trainer.roles.recomputation import Recomputer, draw_submissions

    started = time.monotonic()
    if share is None and (seed is not None or depth is not None):
        raise UsageError("--seed and --depth go with --training")
    claimed = _read_claimed(state_file, state_height)  # what cannot be read is told before anything is reached
    if is_watching:
        if save_file is not None or share is not None:
            raise UsageError("--save and --training are of a replay that ends; leave --watch away")
        account = load_key(home, **key) if key["account"] or key["keystore"] else None
        watch(
            lambda: reach(rpc_urls, address, run_name, deployments),
            account,
            budget or 0,
            home,
            ipfs_api,
            claimed,
            as_json,
            poll_seconds,
        )
        return
    if budget is not None:
        raise UsageError("--budget goes with --watch: an audit that ends posts no challenges")
    client, deployment = reach(rpc_urls, address, run_name, deployments)
    run, store, block = open_run(client, deployment, ipfs_api)
    if any(not 1 <= height <= run.height for height in claimed):
        raise UsageError(f"--state is of height {min(claimed)}; the run's final heights are 1 to {run.height}")
    progress = Progress(0, is_quiet=as_json)
    train_report = make_reporter(progress)

    def report(event: str, **values: object) -> None:
        if event == "overturned":
            progress.say(f"round {values['round']}: overturned: {values['reason']}")
        elif event == "replayed":
            progress.say(
                f"round {values['round']}: height {values['height']} of {values['heights']}, root {values['root']}… "
                f"equal"
            )
        else:
            train_report(event, **values)

    progress.say(f"run {deployment.address} at block {block}: {run.height} heights to replay")
    library = load_library(store, deployment.parameters, time.monotonic, with_shards=share is not None)
    auditor = Auditor(run, store, time.monotonic, report, claimed, rules=library.rules)
    trained: dict[str, Any] = {}
    if share is None:
        found, wrong = auditor.replay(library.genesis), ""
    else:
        training = prepare(library, deployment, home, dtype, depth, report)
        seed = secrets.randbits(32) if seed is None else seed
        drawn = draw_submissions(run, share, seed)
        progress.say(f"{len(drawn)} submissions to train again, drawn with --seed {seed}")
        found, trained, wrong = _train_again(
            auditor, library.genesis, training, Recomputer(run, store, training.trainer, training.depth, drawn, report)
        )
        trained = {"training_seed": seed} | trained
    progress.close()
    if save_file is not None:
        write_file(save_file, found.state.astype("<i4").tobytes())
    result = {
        "verdict": "ok" if not wrong else "training disagrees",
        "heights": found.height,
        "rounds": len(run.rounds),
        "root": found.root.hex(),
        "unjudged_rounds": list(found.unjudged),
        "overturned_rounds": {str(round_id): reason for round_id, reason in found.overturned.items()},
        "block": block,
        **trained,
        "seconds": round(time.monotonic() - started, 2),
    }
    show(result, as_json=as_json)
    if wrong:
        raise AuditMismatch(f"work that does not agree with its recomputation: {wrong}")


def _train_again(
    auditor: Auditor, genesis: State, training: Training, recomputer: Recomputer
) -> tuple[Audit, dict[str, Any], str]:
    """The audit, what was recomputed on the way, and what of it disagrees."""
    found = auditor.replay(genesis, on_state=recomputer.on_state)
    wrong = [each for each in recomputer.found if training.judge(each) == DISAGREES]
    names = ", ".join(f"round {each.round} seat {each.seat} ({each.percent:.2f} %)" for each in wrong)
    return found, training.summarise(recomputer.found), names


def _read_claimed(state_file: Path | None, given: int | None) -> dict[int, State]:
    """The state of --state by its height."""
    from trainer.roles.watching import read_state

    return {} if state_file is None else {_find_height(state_file, given): read_state(state_file)}


def _find_height(state_file: Path, given: int | None) -> int:
    if given is None and not state_file.stem.isdigit():
        raise UsageError("which height is --state of? give --state-height")
    return int(state_file.stem) if given is None else given
