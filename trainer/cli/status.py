"""`comitia status`: where a run stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainer.cli.options import connect, json_option, rpc_option, run_options

if TYPE_CHECKING:
    from trainer.protocol.run_state import RunState


@click.command()
@rpc_option
@run_options
@json_option
def status(rpc_urls: tuple[str, ...], run_name: str, deployments: Path, as_json: bool) -> None:
    """Round, phase, weights and seats, as the chain has them."""
    from trainer.chain.feed import EventFeed
    from trainer.cli.seat_care import describe_state
    from trainer.protocol.types import NO_END
    from trainer.roles.replica import ChainReplica

    client, deployment = connect(rpc_urls, run_name, deployments)
    replica = ChainReplica(EventFeed(client, deployment.block), deployment.parameters, client.domains)
    head = replica.poll()
    run = replica.run
    phase, end = run.compute_phase(head.time)
    record = run.current
    voted = 0 if record is None else sum(record.vote_weights.values())
    seats = [
        {
            "seat": seat.seat,
            "weight": seat.next_weight,
            "operator": seat.get_operator(run.next_round),
            "owner": seat.owner,
            "state": describe_state(run, seat.seat),
            "streak": run.compute_streak(seat.seat, run.height),
            "accepted": sum((final.accepted >> seat.seat) & 1 for final in run.finals),
        }
        for seat in run.seats.values()
    ]
    data = {
        "run": deployment.name,
        "chain_id": deployment.chain_id,
        "address": deployment.address,
        "block": head.number,
        "round": run.clock.round,
        "phase": phase.name.lower(),
        "seconds_left": None if end == NO_END else end - head.time,
        "height": run.height,
        "total_heights": deployment.parameters.total_heights,
        "state_root": run.get_root(run.height).hex(),
        "base": run.clock.base,
        "active": run.clock.active,
        "committed": run.clock.committed,
        "revealed": run.clock.revealed,
        "voted": voted,
        "void_rounds_in_a_row": run.clock.stretch,
        "waits_for": _explain_waiting(run, head.time),
        "seats": seats,
    }
    if as_json:
        click.echo(json.dumps(data))
        return
    left = "" if data["seconds_left"] is None else f", {data['seconds_left']} s left"
    click.echo(f"run {data['run']} at {data['address']} on chain {data['chain_id']}, block {data['block']}")
    click.echo(
        f"round {data['round']} in {data['phase']}{left}; height {data['height']} of {data['total_heights']}; state "
        f"root {str(data['state_root'])[:16]}…"
    )
    click.echo(
        f"weight: active {data['active']}, committed {data['committed']}, revealed {data['revealed']}, voted "
        f"{data['voted']}; a quorum is more than {2 * run.clock.base / 3:.2f}"
    )
    if data["waits_for"]:
        click.echo(f"the next round waits for {data['waits_for']}")
    for seat in seats:
        click.echo(
            f"seat {seat['seat']:>3}  weight {seat['weight']:>3}  {seat['state']:<8} streak {seat['streak']:>4}  "
            f"accepted {seat['accepted']:>5}  operator {seat['operator']}"
        )


def _explain_waiting(run: RunState, time: int) -> str | None:
    """What the next round waits for; None while one is open, and after the last."""
    from trainer.protocol.phases import is_two_thirds
    from trainer.protocol.types import Phase

    if run.compute_phase(time)[0] not in (Phase.IDLE, Phase.VOID, Phase.FINAL):
        return None
    if run.stopped_at:
        return "nothing: the run's owner has stopped it"
    active, base, busy_until = run.compute_next_opening()
    if not is_two_thirds(active, base):
        return f"active weight above {2 * base / 3:.2f}; it is {active}"
    if time < busy_until:
        return f"a free place in the ring, in {busy_until - time} s"
    return "a worker to open it"
