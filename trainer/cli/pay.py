"""`comitia seat settle | claim`: pay. A seat's rounds are settled once they are safe, into its owner's credit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import format_coins, parse_address
from trainer.cli.sending import Teller, sends
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.protocol.run_state import RunState

MAX_SEATS = 256
SETTLE_BUDGET = 12_000_000  # gas of one settlement


def follow(teller: Teller) -> tuple[RunState, int]:
    """The run as its events tell it, and the time of the newest block."""
    from trainer.chain.feed import EventFeed
    from trainer.roles.replica import ChainReplica

    client = teller.client
    replica = ChainReplica(EventFeed(client, teller.deployment.block), teller.parameters, client.domains)
    head = replica.poll()
    return replica.run, head.time


def find_holders(run: RunState, owner: str) -> list[int]:
    """Seats of an owner, ascending; + 256 for a former holder of the seat id."""
    held = [s.seat for s in run.seats.values() if s.owner == owner]
    return sorted(held + [s.seat + MAX_SEATS for s in run.former.values() if s.owner == owner])


def settle_all(teller: Teller, holders: Sequence[int], *, even_unpaid: bool = False) -> list[dict[str, Any]]:
    """Settles what is safe for these holders, in as many transactions as it needs. Returns what to show of each.
    even_unpaid: also moves on holders that earned nothing.
    """
    from trainer.chain import calls
    from trainer.protocol.earnings import compute_earnings

    done: list[dict[str, Any]] = []
    while True:
        run, time = follow(teller)
        owed = {holder: compute_earnings(run, holder, time) for holder in holders}
        due = {h: e for h, e in owed.items() if e.safe_height > e.settled_to and (e.safe or even_unpaid)}
        if not due:
            return done
        start = min(e.settled_to for e in due.values())
        count = max(e.safe_height for e in due.values()) - start
        each = calls.SETTLE_HEIGHT_GAS + calls.SETTLE_PAIR_GAS * len(due)
        count = min(count, (SETTLE_BUDGET - calls.SETTLE_SEAT_GAS * len(due)) // each)
        safe = sum(e.safe for e in due.values())
        named = ", ".join(describe_holder(h) for h in due)
        what = (
            f"settle {named} from height {start + 1} to {start + count}: {format_coins(safe)} are safe up to height "
            f"{max(e.safe_height for e in due.values())}, the pool holds {format_coins(teller.client.get_pool())}"
        )
        done.append(teller.send(calls.settle(sorted(due), count), what))
        run, _ = follow(teller)
        if all(run.find_holder(h).settled_to == e.settled_to for h, e in due.items()):
            teller.tell("the pool is too small for the next round's pay: the rest waits (`comitia run fund`)")
            return done


def describe_holder(holder: int) -> str:
    """A holder for a person."""
    return f"seat {holder}" if holder < MAX_SEATS else f"the former holder of seat {holder - MAX_SEATS}"


@click.command()
@click.argument("seats", nargs=-1, type=click.IntRange(0, 511))
@sends
def settle(teller: Teller, seats: tuple[int, ...]) -> None:
    """Pays SEATS (all without any; + 256 names the former holder of a seat) for what is safe, into their owners'
    credits. By anybody, for anybody.
    """
    run, _ = follow(teller)
    holders = sorted(set(seats)) or [*sorted(run.seats), *(s + MAX_SEATS for s in sorted(run.former))]
    done = settle_all(teller, holders, even_unpaid=True)
    run, _ = follow(teller)
    settled = {str(holder): run.find_holder(holder).settled_to for holder in holders}
    gas = sum(step["gas_used"] for step in done)
    teller.show({"transactions": [step["transaction"] for step in done], "gas_used": gas, "settled_to": settled})


@click.command()
@click.option("--to", type=parse_address, help="Recipient; the account without it.")
@sends
def claim(teller: Teller, to: str | None) -> None:
    """Settles what the account's seats have earned and is safe, then pays its credit: pay, returned bids, prizes and
    bonds.
    """
    from trainer.chain import calls

    me = teller.key.address
    run, _ = follow(teller)
    settle_all(teller, find_holders(run, me))
    amount = teller.client.get_credit(me)
    if not amount:
        raise UsageError(f"there is nothing to claim for {me} now; `comitia seat status SEAT` says what is locked")
    result = teller.send(calls.claim(to or me), f"pay its credit of {format_coins(amount)} to {to or me}")
    teller.show(result | {"amount_wei": amount})
