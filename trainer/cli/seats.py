"""`comitia seat`: card, join, activate, leave, withdraw. Each says what it will cost and do before it sends; --yes for
scripts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import (
    connect,
    home_option,
    ipfs_option,
    json_option,
    key_options,
    load_key,
    parse_address,
    rpc_option,
    run_options,
    show,
)

if TYPE_CHECKING:
    from trainer.chain.calls import Call
    from trainer.chain.client import RunClient
    from trainer.chain.deployment import Deployment
    from trainer.keys import OperatorKey

TIMEOUT = 300  # seconds until a command stops waiting for its transaction
COIN = 10**18
DEVNET_CHAIN_ID = 31337


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (json_option, key_options, home_option, run_options, rpc_option):
        command = option(command)
    return click.option("--yes", is_flag=True, help="Send without asking.")(command)


@click.group()
def seat() -> None:
    """A seat in a run: card, join, activate, leave, withdraw."""


@seat.command()
@ipfs_option
@click.option(
    "--index", type=click.IntRange(0, 7), default=0, show_default=True, help="Which of the key's chains to announce."
)
@rpc_option
@run_options
@home_option
@key_options
def card(
    rpc_urls: tuple[str, ...], run_name: str, deployments: Path, home: Path, ipfs_api: str, index: int, **key: Any
) -> None:
    """Prints the operator's card, which the owner needs to join. Nothing in it is secret."""
    from trainer.blobs.kubo import KuboStore
    from trainer.roles.enrolment import make_card

    _, deployment = connect(rpc_urls, run_name, deployments)
    peer = KuboStore(ipfs_api).get_peer()
    _warn_of_private(peer, deployment)
    click.echo(make_card(load_key(home, **key), deployment, peer, index).encode())


@seat.command()
@click.option(
    "--card",
    "card_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The operator's card (`comitia seat card`).",
)
@click.option(
    "--single-key",
    is_flag=True,
    help="Let this key be owner and operator. Whoever breaks into the worker then has the stake, too.",
)
@click.option("--weight", type=click.IntRange(1, 255), required=True, help="Stake in weight units.")
@ipfs_option
@_common
def join(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    ipfs_api: str,
    card_file: Path | None,
    single_key: bool,
    weight: int,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Takes a seat, benched, with a stake. Sent by the owner, who keeps its key off the worker's machine."""
    from trainer.blobs.kubo import KuboStore
    from trainer.chain import calls
    from trainer.errors import UsageError
    from trainer.roles.enrolment import Card, make_card

    client, deployment = connect(rpc_urls, run_name, deployments)
    if (card_file is None) == (not single_key):
        raise UsageError("give either --card FILE, made by the operator, or --single-key")
    owner = load_key(home, **key)
    if card_file is None:
        peer = KuboStore(ipfs_api).get_peer()
        _warn_of_private(peer, deployment)
        found = make_card(owner, deployment, peer)
    else:
        found = Card.load(card_file, deployment)
    if found.operator == owner.address and not single_key:
        raise UsageError("owner and operator are one key: make another for the operator, or say --single-key")
    value = weight * deployment.parameters.weight_unit
    call = calls.join(weight, found.operator, bytes.fromhex(found.tip.removeprefix("0x")), found.peer, value)
    before = client.get_roll().seats
    result = _send(
        client,
        owner,
        call,
        f"stake {value / COIN:g} coins for a seat of weight {weight}, operated by {found.operator}",
        yes,
    )
    taken = next(
        s for s in range(client.get_roll().seats - 1, before - 1, -1) if client.get_seat(s).operator == found.operator
    )
    show(
        result | {"seat": taken, "weight": weight, "stake_wei": value, "ready_at": client.get_seat(taken).ready_at},
        as_json=as_json,
    )


@seat.command()
@click.argument("seat_id", type=click.IntRange(0, 255))
@_common
def activate(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    seat_id: int,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Lets a seat act from the next round on. A worker does it by itself when it is ready."""
    from trainer.chain import calls

    client, _ = connect(rpc_urls, run_name, deployments)
    show(
        _send(client, load_key(home, **key), calls.activate(seat_id), f"activate seat {seat_id}", yes), as_json=as_json
    )


@seat.command()
@click.argument("seat_id", type=click.IntRange(0, 255))
@_common
def leave(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    seat_id: int,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Leaves after the current round; the stake is free when the last vote is past its horizon."""
    from trainer.chain import calls

    client, deployment = connect(rpc_urls, run_name, deployments)
    what = (
        f"leave with seat {seat_id}; the stake can be withdrawn about {deployment.parameters.horizon} s after its "
        f"last vote became final"
    )
    show(_send(client, load_key(home, **key), calls.leave(seat_id), what, yes), as_json=as_json)


@seat.command()
@click.argument("seat_id", type=click.IntRange(0, 255))
@click.option("--to", type=parse_address, help="Recipient; the owner without it.")
@_common
def withdraw(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    seat_id: int,
    to: str | None,
    yes: bool,
    as_json: bool,
    **key: Any,
) -> None:
    """Pays the stake of a seat that left."""
    from trainer.chain import calls

    client, deployment = connect(rpc_urls, run_name, deployments)
    owner = load_key(home, **key)
    amount = client.get_seat(seat_id).weight * deployment.parameters.weight_unit
    call = calls.withdraw(seat_id, to or owner.address)
    show(
        _send(client, owner, call, f"pay {amount / COIN:g} coins to {to or owner.address}", yes)
        | {"amount_wei": amount},
        as_json=as_json,
    )


def _warn_of_private(peer: str, deployment: Deployment) -> None:
    """Off a devnet nobody dials a private address: such a seat reaches others and is not reached."""
    from trainer.blobs.peer_address import parse_peer

    try:
        parse_peer(peer, allow_private=deployment.chain_id == DEVNET_CHAIN_ID)
    except ValueError as error:
        click.echo(
            f"warning: others cannot dial this Kubo node ({error}); set Addresses.Announce to /ip4/PUBLIC/tcp/PORT and "
            "restart it, or be sure that a seat that you dial is public",
            err=True,
        )


def _send(client: RunClient, key: OperatorKey, call: Call, what: str, yes: bool) -> dict[str, Any]:
    from trainer.chain.sender import DEFAULT_FEES, Sender

    if not yes:
        click.confirm(f"{key.address} will {what} (at most {call.gas} gas). Send?", abort=True, err=True)
    receipt = Sender(client, key, DEFAULT_FEES).send_and_wait(call, TIMEOUT)
    return {
        "transaction": "0x" + receipt.transaction.hex(),
        "block": receipt.block,
        "gas_used": receipt.gas_used,
        "cost_wei": receipt.cost,
    }
