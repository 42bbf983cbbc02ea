"""What somebody may want of a run between its rounds: seats, places, money, membership. Each waits for its time."""

from __future__ import annotations

from tests.differential.author import INDEX, Author, Choice, Errand
from tests.differential.going_on import act, activate, find_late, join, late_vote, list_waiting
from tests.differential.operations import ACTORS, NOBODY, OWNER, account
from trainer.protocol.calls import Call
from trainer.protocol.contract import Revert
from trainer.protocol.misses import find_missed
from trainer.protocol.run_state import Seat
from trainer.protocol.types import NO_END, BlockRef, Phase


def now_or_then(author: Author, time: int) -> int:
    """The time, or now where it has passed; now and then a little later, or a second too early."""
    return max(author.time + 1, time + author.rng.choice((-1, 0, 0, 0, 0, 1, 3)))


def now_or_last(author: Author, end: int) -> int:
    """Now, or now and then in the last second before an end, or in the first after it."""
    return max(author.time + 1, end - author.rng.choice((0, 1))) if author.rng.random() < 0.15 else author.time + 1


# ---------------------------------------------------------------------- rounds


def rest_of_phase(author: Author) -> Errand | None:
    """All who have something left to do in this phase, in one block; or the end of the phase."""
    state, record = author.scene.state, author.scene.state.current
    phase, end = state.compute_phase(author.time + 1)
    if record is None or phase not in (Phase.COMMIT, Phase.REVEAL, Phase.VOTE):
        return None
    waiting = list_waiting(author, record, phase)
    if not waiting:
        if end == NO_END:
            return None
        following = state.compute_phase(end)[0]
        waiting = list_waiting(author, record, following) if following in (Phase.REVEAL, Phase.VOTE) else []
        return (end, [act(author, record, following, waiting[0])]) if waiting else (end, [("openRound", [1])])
    return author.time + 1, [act(author, record, phase, seat) for seat in waiting]


def late(author: Author) -> Errand | None:
    found = find_late(author)
    return (author.time + 1, [late_vote(author, *found)]) if found else None


# ---------------------------------------------------------------------- seats


def come_back(author: Author) -> Errand | None:
    """All who can be activated, once the last of them can."""
    seats = [seat for seat in author.present() if seat.is_benched and not seat.named]
    time = max((seat.ready_at for seat in seats), default=0)
    return now_or_then(author, time), [activate(author, seat) for seat in seats]


def bench(author: Author) -> Errand | None:
    state, time = author.scene.state, author.time + 1
    for seat in author.present():
        missed = find_missed(state, seat.seat, time)
        if missed is not None:
            return time, [("bench", [author.actor(), seat.seat, missed])]
    return None


def retire(author: Author) -> Errand | None:
    p = author.scene.state.parameters
    seat = author.pick([seat for seat in author.present() if seat.is_benched])
    if seat is None or len(author.present()) < 3:
        return None
    time = seat.ready_at + p.challenge_window + p.answer_window
    return now_or_then(author, time), [("retire", [author.actor(), seat.seat])]


def come(author: Author) -> Errand | None:
    """As long as there are few: who joins and does not act raises the base."""
    few = [seat for seat in author.present() if not seat.named]
    if len(few) > 4 or len(author.scene.state.seats) == 256:
        return None
    return author.time + 1, [join(author)]


def leave(author: Author) -> Errand | None:
    seats = author.present()
    seat = author.pick(seats[:6])
    if seat is None or (len(seats) < 3 and author.rng.random() < 0.8):
        return None
    return author.time + 1, [("leave", [INDEX[seat.owner], seat.seat])]


def withdraw(author: Author) -> Errand | None:
    state = author.scene.state
    everybody = [*state.seats.values(), *state.former.values()]
    seat = author.pick([s for s in everybody if s.has_left and not s.withdrawn and not s.named])
    if seat is None:
        return None
    call = Call(seat.owner, BlockRef(author.number + 1, bytes(32), author.time + 1), lambda number: bytes(32))
    try:
        free = author.scene.contract._compute_free_at(call, seat)
    except Revert:
        return None
    return now_or_then(author, free), [("withdraw", [INDEX[seat.owner], seat.seat, author.label()])]


def top_up(author: Author) -> Errand | None:
    state = author.scene.state
    seats = [s for s in author.present()[:8] if state.is_settled(s) or s.changes_at == state.next_round]
    seat = author.pick([s for s in seats if s.next_weight < 250])
    if seat is None:
        return None
    return author.time + 1, [("topUp", [INDEX[seat.owner], seat.seat, author.rng.choice((1, 2, 3, 5)), 0])]


def change(author: Author) -> Errand | None:
    """Operator, peer or tip."""
    seat, rng = author.pick(author.present()[:8]), author.rng
    if seat is None:
        return None
    owner, anybody = INDEX[seat.owner], INDEX[seat.get_operator(author.scene.state.clock.round)]
    choices: list[Choice] = [
        ("setOperator", [owner, seat.seat, author.actor()]),
        ("setPeer", [rng.choice((owner, anybody)), seat.seat, rng.choice((0, 60, 256))]),
        ("announceTip", [rng.choice((owner, anybody)), seat.seat, author.label()]),
    ]
    return author.time + 1, [rng.choice(choices)]


# ---------------------------------------------------------------------- places


def bid(author: Author) -> Errand | None:
    """On the place of a seat that acts, or of one that left; now and then over another bid."""
    state, p, rng = author.scene.state, author.scene.state.parameters, author.rng
    if len(state.seats) < 256:
        return None
    seat = state.seats[rng.choice((0, 1, 2, 3, 4, 5, 250))]
    before = state.bids.get(seat.seat)
    least = 1 if seat.has_left else 2 * seat.next_weight + 1
    if before and author.time + 1 < before.ready_at + p.challenge_window + p.answer_window:
        least = max(least, 2 * before.weight + 1)
    if least > 255:
        return None
    weight = min(255, least + rng.choice((0, 0, 1, 30)))
    bidder = author.actor()
    if p.invitation_only:
        invited = [index for index in range(ACTORS) if state.invitations.get(account(index), 0)]
        bidder = rng.choice(invited) if invited else bidder
    return author.time + 1, [("bid", [bidder, seat.seat, weight, 0])]


def take_seat(author: Author) -> Errand | None:
    """And activate it, and act on."""
    state = author.scene.state
    found = [(seat, b) for seat, b in state.bids.items() if _is_heavier(state.seats[seat], b.weight)]
    if not found:
        return None
    seat, b = author.rng.choice(found)
    operator, owner = author.actor(), INDEX[b.owner]
    choices: list[Choice] = [("takeSeat", [owner, seat, operator, 20])]
    if author.rng.random() < 0.5:
        choices.append(("activate", [owner, seat]))
    former = state.former.get(seat)
    time = b.ready_at
    if former:
        time = max(time, former.left_at + state.parameters.horizon + state.parameters.settle_window)
    return now_or_then(author, time), choices


def withdraw_bid(author: Author) -> Errand | None:
    bids = author.scene.state.bids
    if not bids:
        return None
    seat = author.rng.choice(list(bids))
    return author.time + 1, [("withdrawBid", [INDEX[bids[seat].owner], seat])]


def _is_heavier(seat: Seat, weight: int) -> bool:
    return seat.has_left or weight > 2 * seat.next_weight


# ---------------------------------------------------------------------- money


def fund(author: Author) -> Errand | None:
    if author.scene.state.pool > 5_000:
        return None
    return author.time + 1, [("fund", [author.actor(), author.rng.choice((0, 100, 300, 1_000, 3_000, 20_000))])]


def settle(author: Author) -> Errand | None:
    """Seats that have something left to be paid, when the next height is safe, and some that have not."""
    state, rng = author.scene.state, author.rng
    behind = [s for s in list(state.seats)[:8] if state.seats[s].settled_to < state.height]
    behind += [s + 256 for s in state.former if state.former[s].settled_to < state.height]
    if not behind:
        return None
    first = min(state.find_holder(holder).settled_to for holder in behind)
    time = state.finals[first].block.time + state.parameters.horizon
    if time > author.time + 200:
        return None
    holders = {holder for holder in behind if rng.random() < 0.8} | {rng.choice((0, 1, 2, 200, 256, 257, 456))}
    return now_or_then(author, time), [("settle", [author.actor(), rng.choice((1, 2, 3, 10)), *sorted(holders)])]


def claim(author: Author) -> Errand | None:
    found = [INDEX[who] for who, amount in author.scene.state.credits.items() if amount and who in INDEX]
    found = [index for index in found if index != NOBODY]
    return (author.time + 1, [("claim", [author.rng.choice(found), author.label()])]) if found else None


def sweep(author: Author) -> Errand | None:
    state, p = author.scene.state, author.scene.state.parameters
    phase = state.compute_phase(author.time)[0]
    if phase is not Phase.FINISHED and (not state.stopped_at or state.is_open(author.time)):
        return None
    last = state.finals[-1].block.time if state.finals else 0
    time = max(state.stopped_at, last) + p.horizon + p.settle_window
    return now_or_then(author, time), [("sweep", [OWNER, author.label()])]


# ---------------------------------------------------------------------- membership


def admit(author: Author) -> Errand | None:
    """By name, or with a one-time key; anybody may send it."""
    invited = author.actor()
    invitee = author.rng.choice((invited, NOBODY))
    if not author.scene.state.parameters.invitation_only and author.rng.random() < 0.7:
        return None
    signed = author.rng.choice((0, 0, 4))
    args = [author.actor(), invited, invitee, author.rng.randrange(5), 100_000, author.label(), signed, 0]
    return author.time + 1, [("admit", args)]


def revoke(author: Author) -> Errand | None:
    seat = author.pick(author.present())
    if seat is None or not author.scene.state.parameters.invitation_only or len(author.present()) < 3:
        return None
    return author.time + 1, [("revoke", [OWNER, seat.seat])]


def announce(author: Author) -> Errand | None:
    return author.time + 1, [("announceGroupKey", [OWNER, author.label()])]


def stop(author: Author) -> Errand | None:
    """Near the end of a sequence only."""
    if author.played < 0.75 * author.plan.steps or author.scene.state.stopped_at:
        return None
    return author.time + 1, [("stop", [OWNER])]
