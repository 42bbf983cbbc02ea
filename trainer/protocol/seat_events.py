"""What events of seats, places and membership do to the ledger."""

from __future__ import annotations

from trainer.protocol.constants import MAX_SEATS
from trainer.protocol.events import (
    Activated,
    Admitted,
    Benched,
    BidPlaced,
    BidReturned,
    FormerPaid,
    FormerWithdrawn,
    GroupKeyAnnounced,
    Joined,
    Left,
    OperatorChanged,
    PeerChanged,
    Stopped,
    TipAnnounced,
    WeightChanged,
    Withdrawn,
)
from trainer.protocol.ledger import Ledger
from trainer.protocol.phases import is_third
from trainer.protocol.records import Bid, Seat, Tip
from trainer.protocol.types import FOREVER


def apply_joined(run: Ledger, event: Joined) -> None:
    """A new id, or the place of a holder that has left: it is the former one from now on."""
    p = run.parameters
    before = run.seats.get(event.seat)
    if before is None:
        run.staked += event.weight * p.weight_unit
        delay = p.activate_delay
        if p.invitation_only:
            run.invitations[event.owner] -= 1
    else:
        # Its stake and its waiting are those of the bid.
        run.former[event.seat] = before
        del run.bids[event.seat]
        delay = 0
    run.blanks.pop(event.seat if before is None else event.seat + MAX_SEATS, None)
    run.seats[event.seat] = Seat(
        event.seat,
        owner=event.owner,
        operator=event.operator,
        weight=event.weight,
        next_weight=event.weight,
        until=FOREVER,
        ready_at=event.block.time + delay,
        first=run.next_round,
        settled_to=run.height,
        peer=event.peer,
        tips=[Tip(event.round, event.tip)],
    )
    run.seated += event.weight
    if p.invitation_only:
        run.has_sat.add(event.owner)


def apply_activated(run: Ledger, event: Activated) -> None:
    seat = run.seats[event.seat]
    if seat.from_round == 0 or seat.until < run.clock.round:
        seat.from_round = event.from_round
    else:
        # Benched in the round that is open: it acts in that one still, but its old misses are forgiven.
        seat.misses_from = run.next_round
    seat.until = FOREVER
    run.next_active += event.weight


def apply_benched(run: Ledger, event: Benched) -> None:
    seat = run.seats[event.seat]
    seat.until = event.last_round
    seat.ready_at = event.block.time + run.parameters.activate_delay
    run.next_active -= event.weight


def apply_left(run: Ledger, event: Left) -> None:
    seat, last = run.seats[event.seat], run.clock.round
    if seat.is_activated:
        run.next_active -= event.weight
    seat.until, seat.left_at = event.last_round, event.block.time
    run.seated -= event.weight
    # No round outlives the seats it waits for: with two thirds gone, no commit would ever start the clock.
    if seat.is_active(last):
        run.departed += seat.get_weight(last)
        if not is_third(run.clock.active - run.departed, run.clock.base):
            run.start_cap(event.block.time)


def apply_withdrawn(run: Ledger, event: Withdrawn) -> None:
    pay_out(run, run.seats[event.seat], event.amount)


def apply_former_withdrawn(run: Ledger, event: FormerWithdrawn) -> None:
    pay_out(run, run.former[event.seat], event.amount)


def pay_out(run: Ledger, seat: Seat, amount: int) -> None:
    """The stake goes; a seat without one never acts."""
    seat.withdrawn, seat.from_round = True, 0
    run.staked -= amount


def apply_weight(run: Ledger, event: WeightChanged) -> None:
    seat = run.seats[event.seat]
    by = event.weight - seat.next_weight
    set_weight(run, seat, event.weight)
    run.staked += by * run.parameters.weight_unit
    run.seated += by
    run.next_active += by if seat.is_activated else 0


def set_weight(run: Ledger, seat: Seat, weight: int) -> None:
    """The weight from the next round on. One older weight is kept, for rounds that are not paid yet."""
    if seat.changes_at != run.next_round and run.is_settled(seat):
        seat.weight, seat.changes_at = seat.next_weight, run.next_round
    seat.next_weight = weight


def apply_operator(run: Ledger, event: OperatorChanged) -> None:
    seat = run.seats[event.seat]
    seat.operator = seat.get_operator(run.clock.round)
    seat.next_operator, seat.operator_from = event.operator, event.from_round


def apply_peer(run: Ledger, event: PeerChanged) -> None:
    run.seats[event.seat].peer = event.peer


def apply_tip(run: Ledger, event: TipAnnounced) -> None:
    run.seats[event.seat].tips.append(Tip(event.round, event.tip))


def apply_bid(run: Ledger, event: BidPlaced) -> None:
    p = run.parameters
    run.bids[event.seat] = Bid(event.owner, event.weight, event.block.time + p.activate_delay)
    run.staked += event.weight * p.weight_unit
    if p.invitation_only:
        run.invitations[event.owner] -= 1


def apply_bid_returned(run: Ledger, event: BidReturned) -> None:
    amount = event.weight * run.parameters.weight_unit
    run.staked -= amount
    run.credits[event.owner] += amount
    del run.bids[event.seat]
    if run.parameters.invitation_only:
        run.invitations[event.owner] += 1


def apply_former_paid(run: Ledger, event: FormerPaid) -> None:
    run.staked -= event.amount
    run.credits[event.owner] += event.amount


def apply_admitted(run: Ledger, event: Admitted) -> None:
    run.used_invitations.add(event.invitation)
    run.invitations[event.account] += 1


def apply_group_key(run: Ledger, event: GroupKeyAnnounced) -> None:
    run.group_keys.append(event)


def apply_stopped(run: Ledger, event: Stopped) -> None:
    run.stopped_at = event.block.time
    # Else a last round in which nobody commits would never end, and hold the pool.
    run.start_cap(event.block.time)
