"""`comitia seat bid | take | withdraw-bid`: places in a run whose 256 seat ids are all given."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import ipfs_option
from trainer.cli.seats import card_option, read_card, single_key_option
from trainer.cli.sending import Teller, seat_argument, sends


@click.command()
@seat_argument
@click.option("--weight", type=click.IntRange(1, 255), required=True, help="Stake in weight units.")
@sends
def bid(teller: Teller, seat_id: int, weight: int) -> None:
    """Stakes on the place of a seat that left, or that weighs less than half. Once the run's activate_delay is over,
    `comitia seat take` takes it. A bid that is outbid or withdrawn is credited.
    """
    from trainer.chain import calls

    value = weight * teller.parameters.weight_unit
    result = teller.send(
        calls.bid(seat_id, weight, value), f"stake {teller.format_stake(weight)} on the place of seat {seat_id}"
    )
    ready = teller.client.get_bid(seat_id).ready_at
    teller.show(result | {"seat": seat_id, "weight": weight, "stake_wei": value, "ready_at": ready})


@click.command()
@seat_argument
@card_option
@single_key_option
@ipfs_option
@sends
def take(teller: Teller, seat_id: int, card_file: Path | None, single_key: bool, ipfs_api: str) -> None:
    """Takes the place of a seat that was bid for: its holder leaves with its stake. The seat is benched; its worker
    activates it.
    """
    from trainer.chain import calls

    found = read_card(teller, card_file, single_key, ipfs_api)
    weight = teller.client.get_bid(seat_id).weight
    result = teller.send(
        calls.take_seat(seat_id, found.operator, bytes.fromhex(found.tip.removeprefix("0x")), found.peer),
        f"take the place of seat {seat_id} with weight {weight}, operated by {found.operator}",
    )
    teller.show(result | {"seat": seat_id, "weight": weight})


@click.command("withdraw-bid")
@seat_argument
@sends
def withdraw_bid(teller: Teller, seat_id: int) -> None:
    """Takes a bid back, into the account's credit (`comitia seat claim` pays it)."""
    from trainer.chain import calls

    weight = teller.client.get_bid(seat_id).weight
    what = f"take back its bid for seat {seat_id}; {teller.format_stake(weight)} are credited"
    teller.show(teller.send(calls.withdraw_bid(seat_id), what))
