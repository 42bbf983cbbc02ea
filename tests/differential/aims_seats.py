"""Steps that aim at one error each of seats, places, money and membership."""

from __future__ import annotations

from tests.differential.author import INDEX, Author, Choice, Move
from tests.differential.going_on import activate, join
from tests.differential.operations import ACTORS, NOBODY, OWNER, account
from tests.differential.scene import FORGED, SHORT, UNRECOVERABLE
from trainer.protocol.run_state import Seat
from trainer.protocol.types import Phase


def _any(author: Author) -> Seat | None:
    return author.pick(list(author.scene.state.seats.values())[:8])


def _not_owner(author: Author, phase: Phase, now: int) -> Choice | None:
    seat, rng = _any(author), author.rng
    if seat is None:
        return None
    other = rng.choice((author.stranger(seat.owner), INDEX[seat.operator]))
    seat_id = rng.choice((seat.seat, seat.seat, 99, 255))
    return rng.choice(
        [
            ("leave", [other, seat_id]),
            ("withdraw", [other, seat_id, author.label()]),
            ("topUp", [other, seat_id, 1, 0]),
            ("setOperator", [other, seat_id, other]),
        ]
    )


def _already_active(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick([s for s in author.present() if s.is_activated])
    if seat is None:
        return None
    return author.rng.choice([activate(author, seat), ("retire", [author.actor(), seat.seat])])


def _bad_weight(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = _any(author)
    if seat is None or author.rng.random() < 0.3:
        return "join", [author.actor(), 0, 1, 0, 0]
    by = author.rng.choice((0, 255, 256 - seat.next_weight))
    return author.rng.choice([("topUp", [INDEX[seat.owner], seat.seat, by & 255, 0]), ("bid", [1, seat.seat, 0, 0])])


def _bad_operator(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick(author.present())
    if seat and author.rng.random() < 0.6:
        return "setOperator", [INDEX[seat.owner], seat.seat, NOBODY]
    _, args = join(author)
    return "join", [*args[:2], NOBODY, *args[3:]]


def _peer_too_long(author: Author, phase: Phase, now: int) -> Choice | None:
    seat, length = author.pick(author.present()), author.rng.choice((257, 258, 1000))
    if seat and author.rng.random() < 0.6:
        return "setPeer", [INDEX[seat.owner], seat.seat, length]
    _, args = join(author)
    return "join", [*args[:3], length, args[4]]


def _wrong_stake(author: Author, phase: Phase, now: int) -> Choice | None:
    seat, extra = _any(author), author.rng.choice((-1, 1, author.scene.state.parameters.weight_unit))
    _, args = join(author)
    choices: list[Choice] = [("join", [*args[:4], extra])]
    if seat:
        choices += [("topUp", [INDEX[seat.owner], seat.seat, 1, extra]), ("bid", [1, seat.seat, 30, extra])]
    return author.rng.choice(choices)


def _has_left(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick([s for s in author.scene.state.seats.values() if s.has_left][:8])
    if seat is None:
        return None
    owner = INDEX[seat.owner]
    kinds: list[Choice] = [(kind, [owner, seat.seat]) for kind in ("leave", "activate", "retire")]
    kinds += [("topUp", [owner, seat.seat, 1, 0]), ("setPeer", [owner, seat.seat, 1]), ("revoke", [OWNER, seat.seat])]
    return author.rng.choice(kinds)


def _not_left(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick(author.present())
    return ("withdraw", [INDEX[seat.owner], seat.seat, author.label()]) if seat else None


def _already_withdrawn(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick([s for s in author.scene.state.seats.values() if s.withdrawn])
    return ("withdraw", [INDEX[seat.owner], seat.seat, author.label()]) if seat else None


def _too_early(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    choices: list[Choice] = [activate(author, s) for s in author.present() if s.is_benched and s.ready_at > now]
    choices += [("retire", [1, s.seat]) for s in author.present() if s.is_benched]
    choices += [("withdraw", [INDEX[s.owner], s.seat, author.label()]) for s in state.seats.values() if s.has_left]
    choices += [("takeSeat", [INDEX[b.owner], s, 1, 1]) for s, b in state.bids.items()]
    choices += [(kind, [1, *key]) for key in list(state.challenges)[-3:] for kind in ("overturn", "lapse")]
    choices += [
        ("slash", [1, *key, seat])
        for key, c in list(state.challenges.items())[-3:]
        for seat in range(5)
        if c.voters >> seat & 1
    ]
    if phase is Phase.FINISHED or state.stopped_at:
        choices.append(("sweep", [OWNER, author.label()]))
    return author.rng.choice(choices[:40]) if choices else None


def _vote_undecided(author: Author, phase: Phase, now: int) -> Choice | None:
    state, record = author.scene.state, author.scene.state.current
    if record is None or phase is not Phase.VOTE or record.final:
        return None
    voted = [state.find_acting(seat, record.round) for seat in record.votes]
    left = author.pick([s for s in voted if s.has_left])
    staying = author.pick([s for s in voted if not s.has_left])
    if left:
        return "withdraw", [INDEX[left.owner], left.seat, author.label()]
    return ("leave", [INDEX[staying.owner], staying.seat]) if staying and author.rng.random() < 0.5 else None


def _transfer_failed(author: Author, phase: Phase, now: int) -> Choice | None:
    state, p = author.scene.state, author.scene.state.parameters
    choices: list[Choice] = [
        ("withdraw", [INDEX[s.owner], s.seat, NOBODY])
        for s in state.seats.values()
        if s.has_left and not s.withdrawn and s.left_at + p.horizon <= now
    ]
    choices += [("claim", [INDEX[who], NOBODY]) for who, amount in state.credits.items() if amount and INDEX[who] >= 0]
    if phase is Phase.FINISHED:
        choices.append(("sweep", [OWNER, NOBODY]))
    return author.rng.choice(choices) if choices else None


def _no_seat(author: Author, phase: Phase, now: int) -> Choice | None:
    absent = author.rng.choice((len(author.scene.state.seats), 255))
    return author.rng.choice([("retire", [1, absent]), ("revoke", [OWNER, absent])]) if absent < 256 else None


def _named(author: Author, phase: Phase, now: int) -> Choice | None:
    state, rng = author.scene.state, author.rng
    seat = author.pick([s for s in (*state.seats.values(), *state.former.values()) if s.named])
    if seat is None:
        return None
    owner = INDEX[seat.owner]
    choices: list[Choice] = [("withdraw" if seat.has_left else "activate", [owner, seat.seat])]
    if seat.has_left:
        choices = [("withdraw", [owner, seat.seat, author.label()])]
    elif rng.random() < 0.3:
        choices.append(("leave", [owner, seat.seat]))
    for final in state.finals[-2:]:
        other = (seat.seat + 1) % max(1, min(8, len(state.seats)))
        operator = author.operator(seat.seat, final.round)
        choices.append(("accuse", [operator, final.round, final.height, seat.seat, other, 0, other]))
    return rng.choice(choices)


def _not_missed(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick([s for s in author.present() if s.is_activated])
    last = author.scene.state.clock.round
    return ("bench", [author.actor(), seat.seat, max(0, last - author.rng.randint(-1, 7))]) if seat else None


def _unsettled(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    seats = [s for s in author.present() if not state.is_settled(s) and s.changes_at != state.next_round]
    seat = author.pick([s for s in seats if s.next_weight < 255])
    return ("topUp", [INDEX[seat.owner], seat.seat, 1, 0]) if seat else None


def _run_not_full(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = _any(author)
    return ("bid", [author.actor(), seat.seat, 200, 0]) if seat and len(author.scene.state.seats) < 256 else None


def _run_full(author: Author, phase: Phase, now: int) -> Choice | None:
    return ("join", [author.actor(), 5, 1, 0, 0]) if len(author.scene.state.seats) == 256 else None


def _bid_too_low(author: Author, phase: Phase, now: int) -> Choice | None:
    state, seat = author.scene.state, author.pick(author.present()[:6])
    if seat is None or len(state.seats) < 256:
        return None
    least = 2 * max(seat.next_weight, state.bids[seat.seat].weight if seat.seat in state.bids else 0)
    return "bid", [author.actor(), seat.seat, min(255, author.rng.choice((1, least, 2 * seat.next_weight))), 0]


def _not_bidder(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = _any(author)
    if seat is None:
        return None
    return author.rng.choice([("withdrawBid", [author.actor(), seat.seat]), ("takeSeat", [2, seat.seat, 1, 1])])


def _not_ascending(author: Author, phase: Phase, now: int) -> Choice | None:
    return "settle", [author.actor(), 3, *author.rng.choice(([0, 0], [1, 0], [0, 256, 255], [0, 1, 1]))]


def _nothing_to_claim(author: Author, phase: Phase, now: int) -> Choice | None:
    poor = [index for index in range(ACTORS) if not author.scene.state.credits.get(account(index), 0)]
    return ("claim", [author.rng.choice(poor), author.label()]) if poor else None


def _not_run_owner(author: Author, phase: Phase, now: int) -> Choice | None:
    other = author.rng.randrange(1, ACTORS)
    kinds: list[Choice] = [("sweep", [other, author.label()]), ("stop", [other]), ("announceGroupKey", [other, 1])]
    return author.rng.choice([*kinds, ("revoke", [other, 0])])


def _open_to_all(author: Author, phase: Phase, now: int) -> Choice | None:
    return None if author.scene.state.parameters.invitation_only else ("revoke", [OWNER, 0])


def _not_invited(author: Author, phase: Phase, now: int) -> Choice | None:
    if author.scene.state.parameters.invitation_only and author.rng.random() < 0.5:
        poor = [index for index in range(ACTORS) if not author.scene.state.invitations.get(account(index), 0)]
        return ("join", [author.rng.choice(poor), 3, 1, 0, 0]) if poor else None
    return "admit", [author.actor(), 3, 4, 1, 100_000, author.label(), 0, 0]


def _bad_signature(author: Author, phase: Phase, now: int) -> Choice | None:
    flaw = author.rng.choice((FORGED, SHORT, UNRECOVERABLE))
    signed, accepted = author.rng.choice(((flaw, 0), (0, flaw)))
    return "admit", [author.actor(), 3, NOBODY, 1, 100_000, author.label(), signed, accepted]


def _already_used(author: Author, phase: Phase, now: int) -> Choice | None:
    """Always the same invitation, in either form of its signature."""
    return "admit", [author.actor(), 5, author.rng.choice((5, 5, NOBODY)), 1, 100_000, 0, author.rng.choice((0, 4)), 0]


AIMS: dict[str, Move] = {
    "NotOwner": _not_owner,
    "AlreadyActive": _already_active,
    "BadWeight": _bad_weight,
    "BadOperator": _bad_operator,
    "PeerTooLong": _peer_too_long,
    "WrongStake": _wrong_stake,
    "HasLeft": _has_left,
    "NotLeft": _not_left,
    "AlreadyWithdrawn": _already_withdrawn,
    "TooEarly": _too_early,
    "VoteUndecided": _vote_undecided,
    "TransferFailed": _transfer_failed,
    "NoSeat": _no_seat,
    "NamedByOverturn": _named,
    "NotMissed": _not_missed,
    "Unsettled": _unsettled,
    "RunNotFull": _run_not_full,
    "RunFull": _run_full,
    "BidTooLow": _bid_too_low,
    "NotBidder": _not_bidder,
    "NotAscending": _not_ascending,
    "NothingToClaim": _nothing_to_claim,
    "NotRunOwner": _not_run_owner,
    "OpenToAll": _open_to_all,
    "NotInvited": _not_invited,
    "BadSignature": _bad_signature,
    "AlreadyUsed": _already_used,
}
