"""`comitia challenge`, `answer`, `overturn`, `slash`, `lapse`: what refutes a wrong sum, and what defends a right one.
Each says what it will cost and do before it sends; --yes for scripts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import (
    ask,
    connect,
    format_coins,
    home_option,
    ipfs_option,
    json_option,
    key_options,
    load_key,
    rpc_option,
    run_options,
    show,
    yes_option,
)
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.chain.calls import Call
    from trainer.chain.client import RunClient
    from trainer.chain.records import Challenge

TIMEOUT = 300  # seconds until a command stops waiting for its transaction
GWEI = 10**9

round_argument = click.argument("round_id", metavar="ROUND", type=click.IntRange(2))
chunk_argument = click.argument("chunk", metavar="CHUNK", type=click.IntRange(0))


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (yes_option, json_option, key_options, home_option, run_options, rpc_option):
        command = option(command)
    return command


@click.command()
@round_argument
@click.option(
    "--chunk",
    type=click.IntRange(0),
    help="Which chunk of 1,024 parameters; without it (and --state) one that your account and the round draw.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The state that the voters claim (raw int32): its first chunk that differs is challenged.",
)
@click.option("--unseen", is_flag=True, help="Do not replay first: for who has seen elsewhere that the round is wrong.")
@ipfs_option
@_common
def challenge(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    ipfs_api: str,
    round_id: int,
    chunk: int | None,
    state_file: Path | None,
    unseen: bool,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Stakes a bond on one chunk of the state that ROUND made being wrong. Unless somebody shows within the answer
    window that it is right, the run falls back to the height before, and the voters of ROUND lose half of their stake.
    """
    from trainer.chain import calls
    from trainer.protocol.events import RoundFinal
    from trainer.protocol.tree import compute_chunks
    from trainer.roles.watch_plan import Verdict, draw
    from trainer.roles.watching import examine_round, find_claimed_chunk, read_state

    if chunk is not None and state_file is not None:
        raise UsageError("give --chunk or --state, not both")
    client, deployment = connect(rpc_urls, run_name, deployments)
    account = load_key(home, **key)
    parameters = deployment.parameters
    if unseen:
        if chunk is None:
            raise UsageError("--unseen needs --chunk: what is not replayed tells nothing about its chunks")
        finals = [e for e in client.get_events() if isinstance(e, RoundFinal) and e.round == round_id]
        if not finals:
            raise UsageError(f"round {round_id} is not final")
        final, what = finals[0], "nothing was replayed"
    else:
        replica, found = examine_round(client, deployment, round_id, ipfs_api, _tell(as_json))
        final = replica.run.rounds[round_id].final  # type: ignore[assignment]
        if found.verdict is Verdict.RIGHT:
            raise UsageError(
                f"the root of round {round_id} is right (replayed): a challenge would be answered, and the bond of "
                f"{format_coins(client.get_next_bond())} lost. Nothing was sent; --unseen posts it all the same"
            )
        what = f"replayed: {found.verdict}"
        if state_file is not None:
            chunk = find_claimed_chunk(found, read_state(state_file))
            if chunk is None:
                raise UsageError(f"{state_file} is the replayed state: it names no chunk that is wrong")
        if chunk is None:
            chunk = draw(account.address.encode(), round_id, compute_chunks(parameters.parameter_count))
    bond = client.get_next_bond()
    call = calls.challenge(round_id, final.height, chunk, final.state_root, bond)
    result = _send(
        client, account, [call], yes,
        f"stake a bond of {format_coins(bond)} on chunk {chunk} of the state of round {round_id} (height "
        f"{final.height}) being wrong ({what}); it is lost if somebody shows within {2 * parameters.answer_window} s "
        f"that the chunk is right, and comes back with up to {format_coins(parameters.challenge_bond)} if not",
    )  # fmt: skip
    show(result | {"round": round_id, "chunk": chunk, "bond_wei": bond}, as_json=as_json)


@click.command()
@round_argument
@chunk_argument
@ipfs_option
@_common
def answer(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    ipfs_api: str,
    round_id: int,
    chunk: int,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Shows that a challenged chunk is right: replays to ROUND, and lets the contract recompute the chunk. Half of the
    bond is yours.
    """
    from trainer.roles.answering import make_answer
    from trainer.roles.watch_plan import Verdict
    from trainer.roles.watching import examine_round

    client, deployment = connect(rpc_urls, run_name, deployments)
    account = load_key(home, **key)
    found = _require(client, round_id, chunk, ("OPEN", "EXECUTED"))
    replica, examined = examine_round(client, deployment, round_id, ipfs_api, _tell(as_json))
    if examined.verdict is not Verdict.RIGHT:
        raise UsageError(
            f"round {round_id}: {examined.verdict}: the challenge is right, and no answer exists. Nothing was sent"
        )
    sent = make_answer(replica.run, examined, chunk)
    result = _send(
        client, account, sent, yes,
        f"answer the challenge of chunk {chunk} of round {round_id} in {len(sent)} transaction"
        f"{'s' if len(sent) > 1 else ''} for {format_coins(found.bond // 2)}, half of its bond",
    )  # fmt: skip
    show(result | {"round": round_id, "chunk": chunk, "reward_wei": found.bond // 2}, as_json=as_json)


@click.command()
@round_argument
@chunk_argument
@_common
def overturn(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    round_id: int,
    chunk: int,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Executes a challenge that nobody answered within the answer window; there is another window for it."""
    from trainer.chain import calls

    client, _ = connect(rpc_urls, run_name, deployments)
    found = _require(client, round_id, chunk, ("OPEN",))
    lost = client.get_clock().height - found.height + 1
    what = (
        f"overturn round {round_id}: the run falls back to height {found.height - 1}, {lost} "
        f"height{'s' if lost > 1 else ''} do not count, and the voters of round {round_id} are benched"
    )
    result = _send(client, load_key(home, **key), [calls.overturn(round_id, chunk)], yes, what)
    show(result | {"round": round_id, "height": found.height - 1}, as_json=as_json)


@click.command()
@round_argument
@chunk_argument
@click.argument("seats", metavar="[SEAT]...", type=click.IntRange(0, 255), nargs=-1)
@_common
def slash(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    round_id: int,
    chunk: int,
    seats: tuple[int, ...],
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Settles the voters that an overturn names (all without SEAT): half of each stake is lost. After a late answer it
    sets them free, and nothing is lost.
    """
    from trainer.chain import calls

    client, _ = connect(rpc_urls, run_name, deployments)
    found = _require(client, round_id, chunk, ("EXECUTED", "CANCELLED"))
    named = [seat for seat in range(256) if found.voters >> seat & 1]
    wanted = list(dict.fromkeys(seats)) or named
    if not set(wanted) <= set(named) or not wanted:
        raise UsageError(f"the overturn of round {round_id} still names the seats {named or 'none'}")
    is_guilty = found.status.name == "EXECUTED"
    what = f"slash the seats {wanted}: each loses half of its stake" if is_guilty else f"set the seats {wanted} free"
    result = _send(client, load_key(home, **key), [calls.slash(round_id, chunk, seat) for seat in wanted], yes, what)
    show(result | {"round": round_id, "seats": wanted}, as_json=as_json)


@click.command()
@round_argument
@chunk_argument
@_common
def lapse(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    round_id: int,
    chunk: int,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Ends a challenge that was not executed in time, or whose round another overturn took: its bond goes back."""
    from trainer.chain import calls

    client, _ = connect(rpc_urls, run_name, deployments)
    found = _require(client, round_id, chunk, ("OPEN",))
    what = f"end the challenge of chunk {chunk} of round {round_id}: {format_coins(found.bond)} for {found.challenger}"
    result = _send(client, load_key(home, **key), [calls.lapse(round_id, chunk)], yes, what)
    show(result | {"round": round_id, "chunk": chunk}, as_json=as_json)


def _require(client: RunClient, round_id: int, chunk: int, statuses: tuple[str, ...]) -> Challenge:
    """The challenge, if it is in one of these states; else says what became of it."""
    found = client.get_challenge(round_id, chunk)
    if found.status.name not in statuses:
        became = "was never challenged" if found.status.name == "NONE" else f"is {found.status.name.lower()}"
        raise UsageError(f"chunk {chunk} of round {round_id} {became}")
    return found


def _send(client: RunClient, key: Any, sent: list[Call], yes: bool, what: str) -> dict[str, Any]:
    """Asks, sends one after the other, and adds up what they cost."""
    from trainer.chain.sender import DEFAULT_FEES, Sender

    gas = sum(call.gas for call in sent)
    price = client.node.get_header("latest").base_fee + client.node.get_priority_fee()
    ask(f"{key.address} will {what}. At most {gas:,} gas, about {format_coins(gas * price // GWEI * GWEI)}", yes)
    sender = Sender(client, key, DEFAULT_FEES)
    receipts = [sender.send_and_wait(call, TIMEOUT) for call in sent]
    return {
        "transaction": "0x" + receipts[-1].transaction.hex(),
        "transactions": len(receipts),
        "block": receipts[-1].block,
        "gas_used": sum(receipt.gas_used for receipt in receipts),
        "cost_wei": sum(receipt.cost for receipt in receipts),
    }


def _tell(as_json: bool) -> Callable[..., None]:
    return lambda text: None if as_json else click.echo(text, err=True)
