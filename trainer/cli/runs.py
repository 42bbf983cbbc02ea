"""`comitia run`: its pool and its doors. fund, status; by its owner: invite, revoke, stop, sweep; by a guest: admit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from trainer.cli.options import (
    connect,
    format_coins,
    home_option,
    json_option,
    key_options,
    load_key,
    parse_address,
    parse_coins,
    rpc_option,
    run_options,
)
from trainer.cli.sending import Teller, seat_argument, sends
from trainer.errors import UsageError

DAY = 24 * 3600
DEFAULT_DAYS = 7


@click.group()
def run() -> None:
    """A run's pool and its doors: fund, status, invite, admit, revoke, stop, sweep."""


@run.command()
@click.argument("coins", type=parse_coins)
@sends
def fund(teller: Teller, coins: int) -> None:
    """Adds COINS (of 10^18 wei) to the pool that rounds are paid from. By anybody; what is not earned goes to the run's
    owner when the run is over.
    """
    from trainer.chain import calls

    result = teller.send(calls.fund(coins), f"add {format_coins(coins)} to the pool of {teller.deployment.name}")
    teller.show(result | {"amount_wei": coins, "pool_wei": teller.client.get_pool()})


@run.command()
@sends
def stop(teller: Teller) -> None:
    """Stops new rounds, for ever; the open one may still end. Stakes and pay stay their owners'. By the run's owner."""
    from trainer.chain import calls

    teller.show(teller.send(calls.stop(), f"stop the run {teller.deployment.name} for ever"))


@run.command()
@click.option("--to", type=parse_address, help="Recipient; the owner without it.")
@sends
def sweep(teller: Teller, to: str | None) -> None:
    """Pays what the pool of a run still holds that is over, once all that was earned could be settled. By its owner."""
    from trainer.chain import calls

    amount, to = teller.client.get_pool(), to or teller.key.address
    result = teller.send(calls.sweep(to), f"pay the pool's {format_coins(amount)} to {to}; what is unsettled is lost")
    teller.show(result | {"amount_wei": amount})


@run.command()
@seat_argument
@sends
def revoke(teller: Teller, seat_id: int) -> None:
    """Makes a seat of an invitation-only run leave; its stake and its pay stay its owner's. By the run's owner."""
    from trainer.chain import calls

    teller.show(teller.send(calls.revoke(seat_id), f"make seat {seat_id} leave, for ever"))


@run.command()
@click.option("--for", "invitee", type=parse_address, help="The account that is invited; a one-time key without it.")
@click.option("--days", type=click.IntRange(1, 365), default=DEFAULT_DAYS, show_default=True, help="How long it holds.")
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="Write it here (mode 0600); printed without it."
)
@rpc_option
@run_options
@home_option
@key_options
def invite(
    rpc_urls: tuple[str, ...],
    run_name: str,
    deployments: Path,
    home: Path,
    invitee: str | None,
    days: int,
    file: Path | None,
    **key: Any,
) -> None:
    """Signs an invitation for one seat of an invitation-only run; nothing is sent. By the run's owner. Without --for
    it holds a one-time key: whoever has it can use it, so hand it over in secret.
    """
    from trainer.access.invitations import invite as sign

    client, deployment = connect(rpc_urls, run_name, deployments)
    if not deployment.parameters.invitation_only:
        raise UsageError(f"the run {deployment.name} is open to all: nobody needs an invitation")
    owner = load_key(home, **key)
    if owner.address != client.get_owner():
        raise UsageError(f"only the run's owner {client.get_owner()} invites, not {owner.address}")
    deadline = client.get_head().time + days * DAY
    found = sign(owner, deployment.chain_id, deployment.address, invitee, deadline)
    if file is None:
        click.echo(found.encode(), nl=False)
    else:
        found.save(file)
        click.echo(f"{file}: an invitation to {deployment.name} for {days} days, to be used with `comitia run admit`")
    if found.secret:
        click.echo("it holds a one-time key: whoever has it takes the place, so keep it secret", err=True)


@run.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--for", "member", type=parse_address, help="Who may join with it; the sending account without it.")
@sends
def admit(teller: Teller, file: Path, member: str | None) -> None:
    """Uses an invitation's FILE: the account may then take one seat (`comitia seat join`, as its owner)."""
    from trainer.access.invitations import Invitation
    from trainer.chain import calls

    found, deployment = Invitation.load(file), teller.deployment
    if (found.chain_id, found.run) != (deployment.chain_id, deployment.address):
        raise UsageError(f"{file} invites to the run {found.run} on chain {found.chain_id}, not to {deployment.name}")
    named = found.invitee if not found.secret else None
    account = member or named or teller.key.address
    if named not in (None, account):
        raise UsageError(f"{file} invites {named}, not {account}")
    call = calls.admit(account, found.words, found.owner_signature, found.sign_acceptance(account))
    result = teller.send(call, f"use the invitation for {account}")
    teller.show(result | {"account": account, "invitations": teller.client.get_invitations(account)})


@run.command("status")
@rpc_option
@run_options
@json_option
def run_status(rpc_urls: tuple[str, ...], run_name: str, deployments: Path, as_json: bool) -> None:
    """A run's money, challenges and doors. (`comitia status` shows its round and its seats.)"""
    client, deployment = connect(rpc_urls, run_name, deployments)
    p, roll, clock = deployment.parameters, client.get_roll(), client.get_clock()
    pool = client.get_pool()
    data: dict[str, Any] = {
        "run": deployment.name,
        "address": deployment.address,
        "owner": client.get_owner(),
        "phase": client.get_phase().name.lower(),
        "height": clock.height,
        "total_heights": p.total_heights,
        "stopped_at": roll.stopped_at or None,
        "invitation_only": p.invitation_only,
        "seats": roll.seats,
        "seated": roll.seated,
        "active_next": roll.next_active,
        "reward_per_round_wei": p.reward_per_round,
        "check_reward_wei": p.check_reward,
        "pool_wei": pool,
        "rounds_funded": pool // p.reward_per_round if p.reward_per_round else None,
        "staked_wei": client.get_staked(),
        "burnt_wei": client.get_burnt(),
        "open_challenges": roll.open_challenges,
        "next_bond_wei": client.get_next_bond(),
        "horizon_seconds": p.horizon,
    }
    if as_json:
        click.echo(json.dumps(data))
        return
    width = max(len(name) for name in data)
    for name, value in data.items():
        is_money = name.endswith("_wei")
        text = (
            format_coins(value) if is_money else "no" if value in (None, False) else "yes" if value is True else value
        )
        click.echo(f"{name.removesuffix('_wei').replace('_', ' '):<{width}}  {text}")
