"""`comitia seat`: card, join, activate, leave, withdraw, and how a seat changes: its stake, its operator, its node, its
key chain. Each says what it will cost and do before it sends; --yes for scripts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import (
    connect,
    home_option,
    ipfs_option,
    key_options,
    load_key,
    parse_address,
    rpc_option,
    run_options,
)
from trainer.cli.sending import Teller, seat_argument, sends, warn_of_private
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.roles.enrolment import Card

index_option = click.option(
    "--index", type=click.IntRange(0, 7), default=0, show_default=True, help="Which of the key's chains to announce."
)


@click.group()
def seat() -> None:
    """A seat in a run: how it is taken, kept, paid and given up."""


@seat.command()
@ipfs_option
@index_option
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
    warn_of_private(peer, deployment.chain_id)
    click.echo(make_card(load_key(home, **key), deployment, peer, index).encode())


card_option = click.option(
    "--card",
    "card_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The operator's card (`comitia seat card`).",
)
single_key_option = click.option(
    "--single-key",
    is_flag=True,
    help="Let this key be owner and operator. Whoever breaks into the worker then has the stake, too.",
)


def read_card(teller: Teller, card_file: Path | None, single_key: bool, ipfs_api: str) -> Card:
    """The operator's card, or one of the owner's own key with --single-key."""
    from trainer.blobs.kubo import KuboStore
    from trainer.roles.enrolment import Card, make_card

    if (card_file is None) == (not single_key):
        raise UsageError("give either --card FILE, made by the operator, or --single-key")
    if card_file is None:
        peer = KuboStore(ipfs_api).get_peer()
        warn_of_private(peer, teller.deployment.chain_id)
        return make_card(teller.key, teller.deployment, peer)
    found = Card.load(card_file, teller.deployment)
    if found.operator == teller.key.address and not single_key:
        raise UsageError("owner and operator are one key: make another for the operator, or say --single-key")
    return found


@seat.command()
@card_option
@single_key_option
@click.option("--weight", type=click.IntRange(1, 255), required=True, help="Stake in weight units.")
@ipfs_option
@sends
def join(teller: Teller, ipfs_api: str, card_file: Path | None, single_key: bool, weight: int) -> None:
    """Takes a seat, benched, with a stake. Sent by the owner, who keeps its key off the worker's machine."""
    from trainer.chain import calls

    client = teller.client
    found = read_card(teller, card_file, single_key, ipfs_api)
    before = client.get_roll().seats
    if before == 256:
        raise UsageError(
            "all 256 seats have been given: bid for the place of one that left, or that weighs less than half of yours "
            "(`comitia seat bid`, then `comitia seat take`); `comitia status` lists them"
        )
    if teller.parameters.invitation_only and client.get_invitations(teller.key.address) == 0:
        raise UsageError(
            f"the run takes invited accounts only, and {teller.key.address} has no invitation: ask the run's owner "
            f"({client.get_owner()}) for a file, and use it with `comitia run admit FILE`"
        )
    value = weight * teller.parameters.weight_unit
    result = teller.send(
        calls.join(weight, found.operator, bytes.fromhex(found.tip.removeprefix("0x")), found.peer, value),
        f"stake {teller.format_stake(weight)} for a seat of weight {weight}, operated by {found.operator}",
    )
    taken = next(
        s for s in range(client.get_roll().seats - 1, before - 1, -1) if client.get_seat(s).operator == found.operator
    )
    ready = client.get_seat(taken).ready_at
    teller.show(result | {"seat": taken, "weight": weight, "stake_wei": value, "ready_at": ready})


@seat.command()
@seat_argument
@sends
def activate(teller: Teller, seat_id: int) -> None:
    """Lets a seat act from the next round on. A worker does it by itself when it is ready."""
    from trainer.chain import calls

    teller.show(teller.send(calls.activate(seat_id), f"activate seat {seat_id}"))


@seat.command()
@seat_argument
@sends
def leave(teller: Teller, seat_id: int) -> None:
    """Leaves after the current round; the stake is free when the last vote is past its horizon."""
    from trainer.chain import calls

    what = (
        f"leave with seat {seat_id}, for ever; the stake can be withdrawn about {teller.parameters.horizon} s after "
        f"its last vote became final"
    )
    teller.show(teller.send(calls.leave(seat_id), what))


@seat.command()
@seat_argument
@click.option("--to", type=parse_address, help="Recipient; the owner without it.")
@sends
def withdraw(teller: Teller, seat_id: int, to: str | None) -> None:
    """Pays the stake of a seat that left; what it has earned and is safe is settled before."""
    from trainer.chain import calls
    from trainer.cli.pay import settle_all

    client, me = teller.client, teller.key.address
    former, present = client.get_former_seat(seat_id), client.get_seat(seat_id)
    # As the contract chooses.
    record = former if former.owner == me and not former.is_paid_out else present
    if record.owner == me and record.left_at and not record.is_paid_out:
        settle_all(teller, [seat_id + (256 if record is former else 0)])
    amount = record.next_weight * teller.parameters.weight_unit
    what = f"pay the stake of seat {seat_id}, {teller.format_stake(record.next_weight)}, to {to or me}"
    teller.show(teller.send(calls.withdraw(seat_id, to or me), what) | {"amount_wei": amount})


@seat.command("top-up")
@seat_argument
@click.option("--by", type=click.IntRange(1, 254), required=True, help="Weight to add.")
@sends
def top_up(teller: Teller, seat_id: int, by: int) -> None:
    """Adds to a seat's stake; the weight counts from the next round on. By the owner."""
    from trainer.chain import calls
    from trainer.cli.pay import follow, settle_all

    value = by * teller.parameters.weight_unit
    run, _ = follow(teller)
    found = run.find_holder(seat_id)
    if found.changes_at != run.next_round and not run.is_settled(found):
        settle_all(teller, [seat_id], even_unpaid=True)  # one older weight is kept for rounds that are not paid yet
    weight = found.next_weight + by
    what = f"add {teller.format_stake(by)} to the stake of seat {seat_id}, which then weighs {weight}"
    teller.show(teller.send(calls.top_up(seat_id, by, value), what) | {"weight": weight, "stake_wei": value})


@seat.command("set-operator")
@seat_argument
@click.option(
    "--card",
    "card_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The new operator's card (`comitia seat card`): account, key chain and node are all announced.",
)
@sends
def set_operator(teller: Teller, seat_id: int, card_file: Path) -> None:
    """Hands a seat to another operator from the next round on; its new key chain serves a round later. By the owner, in
    three transactions. Stop the old worker when the round is over.
    """
    from trainer.chain import calls
    from trainer.roles.enrolment import Card

    found = Card.load(card_file, teller.deployment)
    result = teller.send(
        calls.set_operator(seat_id, found.operator), f"let {found.operator} act for seat {seat_id} from the next round"
    )
    tip = bytes.fromhex(found.tip.removeprefix("0x"))
    teller.send(calls.announce_tip(seat_id, tip), f"announce its key chain for seat {seat_id}")
    teller.send(calls.set_peer(seat_id, found.peer), f"announce its node {found.peer} for seat {seat_id}")
    from_round = teller.client.get_seat(seat_id).operator_from
    teller.show(result | {"operator": found.operator, "from_round": from_round})


@seat.command("set-peer")
@seat_argument
@ipfs_option
@sends
def set_peer(teller: Teller, seat_id: int, ipfs_api: str) -> None:
    """Announces the Kubo node of --ipfs-api as the one of a seat. By owner or operator."""
    from trainer.blobs.kubo import KuboStore
    from trainer.chain import calls

    peer = KuboStore(ipfs_api).get_peer()
    warn_of_private(peer, teller.deployment.chain_id)
    teller.show(teller.send(calls.set_peer(seat_id, peer), f"announce {peer} for seat {seat_id}") | {"peer": peer})


@seat.command("new-tip")
@seat_argument
@click.option("--index", type=click.IntRange(0, 7), required=True, help="Which of the key's chains to announce.")
@sends
def new_tip(teller: Teller, seat_id: int, index: int) -> None:
    """Announces a new key chain of the operator's key, before the 65,536 rounds of the last one are over, or after a
    change of operators. By the operator; the chain serves from two rounds after the current one.
    """
    from trainer.chain import calls
    from trainer.roles.enrolment import load_keychain

    tip = load_keychain(teller.key, teller.deployment, index).tip
    what = f"announce key chain {index} for seat {seat_id}"
    result = teller.send(calls.announce_tip(seat_id, tip), what)
    teller.show(result | {"tip": "0x" + tip.hex(), "serves_from": teller.client.get_clock().round + 2})
