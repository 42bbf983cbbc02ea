"""`comitia seat status | bench | retire`: how a seat stands, and what anybody may do about a silent one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import connect, format_coins, json_option, rpc_option, run_options
from trainer.cli.sending import Teller, seat_argument, sends
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.protocol.run_state import RunState


@click.command("status")
@seat_argument
@rpc_option
@run_options
@json_option
def seat_status(seat_id: int, rpc_urls: tuple[str, ...], run_name: str, deployments: Path, as_json: bool) -> None:
    """What a seat stakes, whether it acts, what it missed and what it earned."""
    from trainer.chain.feed import EventFeed
    from trainer.roles.replica import ChainReplica

    client, deployment = connect(rpc_urls, run_name, deployments)
    replica = ChainReplica(EventFeed(client, deployment.block), deployment.parameters, client.domains)
    time = replica.poll().time
    if seat_id not in replica.run.seats:
        raise UsageError(f"nobody has seat {seat_id}; `comitia status` lists the seats")
    data = describe(replica.run, seat_id, time)
    if as_json:
        click.echo(json.dumps(data))
        return
    for line in explain(data):
        click.echo(line)


def describe(run: RunState, seat_id: int, time: int) -> dict[str, Any]:
    """Everything about a seat, as JSON."""
    from trainer.protocol.earnings import compute_earnings
    from trainer.protocol.misses import compute_misses
    from trainer.protocol.types import NO_END, Status

    seat, p = run.seats[seat_id], run.parameters
    earned = compute_earnings(run, seat_id, time)
    named = [
        {"round": key[0], "chunk": key[1]}
        for key, challenge in run.challenges.items()
        if challenge.status in (Status.EXECUTED, Status.CANCELLED)
        and challenge.voters >> seat_id & 1
        and key[0] >= seat.first
    ]
    return {
        "seat": seat_id,
        "owner": seat.owner,
        "operator": seat.get_operator(run.next_round),
        "peer": seat.peer,
        "state": describe_state(run, seat_id),
        "stake_wei": 0 if seat.withdrawn else seat.next_weight * p.weight_unit,
        "weight_now": seat.get_weight(run.clock.round) if seat.is_active(run.clock.round) else 0,
        "weight_next": seat.next_weight if seat.is_activated else 0,
        "activates_in": max(seat.ready_at - time, 0) if seat.is_benched else None,
        "misses": compute_misses(run, seat_id, time),
        "named_by": named,
        "settled_to": earned.settled_to,
        "safe_height": earned.safe_height,
        "claimable_wei": earned.safe,
        "locked_wei": earned.locked,
        "forfeited_wei": earned.forfeited,
        "unlocks_in": None if earned.unlocks_at == NO_END else max(earned.unlocks_at - time, 0),
        "credit_wei": run.credits.get(seat.owner, 0),
        "pool_wei": run.pool,
    }


def describe_state(run: RunState, seat_id: int) -> str:
    """active, benched, joined (never active so far), left or withdrawn."""
    seat = run.seats[seat_id]
    if seat.withdrawn:
        return "withdrawn"
    if seat.has_left:
        return "left"
    if seat.is_activated:
        return "active"
    return "benched" if seat.from_round else "joined"


def explain(data: dict[str, Any]) -> list[str]:
    """The same in lines."""
    lines = [
        f"seat {data['seat']} is {data['state']}: stake {format_coins(data['stake_wei'])}, weight {data['weight_now']} "
        f"in this round and {data['weight_next']} in the next",
        f"owner {data['owner']}, operator {data['operator']}, node {data['peer']}",
    ]
    if data["named_by"]:
        rounds = ", ".join(f"round {n['round']} chunk {n['chunk']}" for n in data["named_by"])
        lines.append(f"named by the overturn of {rounds}: it neither activates nor withdraws before it is slashed")
    elif data["activates_in"]:
        lines.append(f"it can be activated in {data['activates_in']} s")
    elif data["activates_in"] == 0:
        lines.append("it can be activated now; its worker does so by itself")
    if data["misses"]:
        lines.append(f"missed {', '.join(map(str, data['misses']))} of the last rounds; three in a row bench it")
    lines.append(
        f"settled up to height {data['settled_to']}; {format_coins(data['claimable_wei'])} more are safe (up to height "
        f"{data['safe_height']}: `comitia seat claim` settles and pays)"
    )
    if data["locked_wei"]:
        lines.append(
            f"{format_coins(data['locked_wei'])} are locked while their rounds can be overturned; the first in "
            f"{data['unlocks_in']} s"
        )
    if data["forfeited_wei"]:
        lines.append(f"{format_coins(data['forfeited_wei'])} are forfeited by condemnations")
    if data["pool_wei"] < data["claimable_wei"]:
        lines.append(f"the pool holds {format_coins(data['pool_wei'])} only: pay waits for `comitia run fund`")
    lines.append(f"credit of its owner: {format_coins(data['credit_wei'])}")
    return lines


@click.command()
@seat_argument
@click.option("--round", "first", type=click.IntRange(2), help="First of three missed rounds; found without it.")
@sends
def bench(teller: Teller, seat_id: int, first: int | None) -> None:
    """Benches a seat that missed three rounds in a row, so that nobody need wait for its weight. By anybody; workers do
    it by themselves.
    """
    from trainer.chain import calls
    from trainer.cli.pay import follow
    from trainer.protocol.misses import find_missed

    if first is None:
        run, time = follow(teller)
        first = find_missed(run, seat_id, time) if seat_id in run.seats else None
        if first is None:
            raise UsageError(f"seat {seat_id} did not miss three rounds in a row (or they are too old, or not over)")
    teller.show(teller.send(calls.bench(seat_id, first), f"bench seat {seat_id} for rounds {first} to {first + 2}"))


@click.command()
@seat_argument
@sends
def retire(teller: Teller, seat_id: int) -> None:
    """Makes a seat leave that has been benched for longer than challenge_window + answer_window. Its stake stays its
    owner's. By anybody.
    """
    from trainer.chain import calls

    teller.show(teller.send(calls.retire(seat_id), f"make seat {seat_id} leave"))
