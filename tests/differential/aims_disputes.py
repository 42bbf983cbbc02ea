"""Steps that aim at one error each of challenges and accusations; and calls that nobody thought about."""

from __future__ import annotations

from tests.differential.author import INDEX, OVERFLOW, Author, Choice, Move
from tests.differential.disputes import is_answerable, list_challenges
from tests.differential.evidence import Flaw, Start, list_accepted
from tests.differential.operations import ACTORS, NOBODY, OWNER
from tests.differential.scene import OTHER_END
from trainer.protocol.acceptance import compute_members
from trainer.protocol.events import RoundFinal
from trainer.protocol.records import Challenge
from trainer.protocol.types import Phase, Status


def _fresh(author: Author, now: int) -> RoundFinal | None:
    """A round that can be challenged."""
    window = author.scene.state.parameters.challenge_window
    found = [final for final in author.scene.state.finals if now < final.block.time + window]
    return author.rng.choice(found) if found else None


def _challenge(author: Author, final: RoundFinal, **changes: int) -> Choice:
    values = {"sender": author.actor(), "round": final.round, "height": final.height, "chunk": 0, "root": 0, "more": 0}
    return "challenge", list((values | changes).values())


def _not_standing(author: Author, phase: Phase, now: int) -> Choice | None:
    state, rng = author.scene.state, author.rng
    gone = [record for record in state.rounds.values() if record.overturned and record.final]
    choices: list[Choice] = []
    for record in gone[-4:]:
        assert record.final
        choices.append(_challenge(author, record.final))
        for seat in author.acting(record.round)[:3]:
            if not state.find_holder_at(seat, record.round).named:
                operator = author.operator(seat, record.round)
                accused = rng.choice([other for other in (0, 1, 2) if other != seat])
                choices.append(("accuse", [operator, record.round, record.final.height, seat, accused, 0, 0]))
    choices += [("overturn", [author.actor(), *key]) for key, c in state.challenges.items() if c.status is Status.OPEN]
    final = _fresh(author, now)
    if final:
        choices.append(_challenge(author, final, height=rng.choice((0, final.height + 1, final.height + OVERFLOW))))
    return rng.choice(choices) if choices else None


def _too_late(author: Author, phase: Phase, now: int) -> Choice | None:
    state, p = author.scene.state, author.scene.state.parameters
    choices = [_challenge(author, f) for f in state.finals[-12:] if now >= f.block.time + p.challenge_window]
    for key, c in list(state.challenges.items())[-4:]:
        choices += [("overturn", [1, *key]), ("answer", [1, *key, 0, 0]), ("answerPart", [1, *key, 0, 0, 1])]
        choices = choices if c.status in (Status.OPEN, Status.EXECUTED) else choices[:-3]
    for final in [f for f in state.finals[-12:] if now >= f.block.time + p.horizon]:
        for seat in author.acting(final.round)[:2]:
            args = [author.operator(seat, final.round), final.round, final.height, seat, 255, 0, 0]
            choices.append(("accuse", args))
    late = author.rng.choice((now - author.scene.started - 1, 0))
    choices.append(("admit", [author.actor(), 3, 3, 1, late, author.label(), 0, 0]))
    return author.rng.choice(choices)


def _wrong_root(author: Author, phase: Phase, now: int) -> Choice | None:
    final = _fresh(author, now)
    return _challenge(author, final, root=author.rng.choice((OTHER_END, OTHER_END, 2))) if final else None


def _no_such_chunk(author: Author, phase: Phase, now: int) -> Choice | None:
    final, chunks = _fresh(author, now), author.scene.chunks
    return _challenge(author, final, chunk=author.rng.choice((chunks, chunks + 1, (1 << 32) - 1))) if final else None


def _already_challenged(author: Author, phase: Phase, now: int) -> Choice | None:
    final = _fresh(author, now)
    chunks = [chunk for round_id, chunk in author.scene.state.challenges if final and round_id == final.round]
    return _challenge(author, final, chunk=chunks[0]) if final and chunks else None


def _bond_too_low(author: Author, phase: Phase, now: int) -> Choice | None:
    final = _fresh(author, now)
    return _challenge(author, final, more=author.rng.choice((-1, -10_000))) if final else None


def _never_seated(author: Author, phase: Phase, now: int) -> Choice | None:
    state, final = author.scene.state, _fresh(author, now)
    if final is None or not state.parameters.invitation_only:
        return None
    return _challenge(author, final, sender=author.stranger(*state.has_sat))


def _wrong_status(author: Author, phase: Phase, now: int) -> Choice | None:
    keys = [*list(author.scene.state.challenges)[-5:], (2, 0), (author.scene.state.clock.round, 1)]
    key, actor = author.rng.choice(keys), author.actor()
    kinds: list[Choice] = [(kind, [actor, *key]) for kind in ("overturn", "lapse")]
    kinds += [("slash", [actor, *key, 0]), ("answer", [actor, *key, 0, 0]), ("answerPart", [actor, *key, 0, 0, 1])]
    return author.rng.choice(kinds)


def _find_open(author: Author, now: int, is_sound: bool = False) -> Challenge | None:
    """A challenge that can be answered now, if only by trying."""
    window = author.scene.state.parameters.answer_window
    found = [
        c
        for c in list_challenges(author, Status.OPEN, Status.EXECUTED)
        if now < c.time + window * (2 if c.status is Status.OPEN else 1)
    ]
    found = [c for c in found if not is_sound or is_answerable(author, c)]
    return author.rng.choice(found) if found else None


def _answer_with(*flaws: Flaw, is_sound: bool = True) -> Move:
    """An answer that is right but for one of these."""

    def aim(author: Author, phase: Phase, now: int) -> Choice | None:
        c, rng = _find_open(author, now, is_sound), author.rng
        if c is None:
            return None
        flaw = rng.choice(flaws)
        if flaw in (Flaw.FLIPPED_BIT, Flaw.CUT_GRADIENTS, Flaw.SEAT_TOO_MANY) and rng.random() < 0.4:
            return "answerPart", [author.actor(), c.round, c.chunk, Start.ANEW, flaw, 256]
        return "answer", [author.actor(), c.round, c.chunk, Start.ANEW, flaw]

    return aim


def _wrong_progress(author: Author, phase: Phase, now: int) -> Choice | None:
    c, rng = _find_open(author, now), author.rng
    if c is None:
        return None
    begun = [INDEX[key[2]] for key in author.scene.contract.progress if key[:2] == (c.round, c.chunk)]
    sender = rng.choice([*begun, author.actor()])
    start = rng.choice((Start.FALSE_SUM, Start.FALSE_SUM, Start.SHORT_SUM, Start.GO_ON))
    if rng.random() < 0.5:
        return "answerPart", [sender, c.round, c.chunk, start, Flaw.NONE, rng.randrange(4)]
    return "answer", [sender, c.round, c.chunk, start, Flaw.NONE]


def _not_revealed(author: Author, phase: Phase, now: int) -> Choice | None:
    c = _find_open(author, now)
    if c is None:
        return None
    seats = list_accepted(author.scene, c.round)
    if all(author.scene.state.has_revealed(c.round, seat) for seat in seats):
        return None
    return "answer", [author.actor(), c.round, c.chunk, Start.ANEW, Flaw.NONE]


def _not_named(author: Author, phase: Phase, now: int) -> Choice | None:
    found = list_challenges(author, Status.EXECUTED, Status.CANCELLED)
    if not found:
        return None
    c = author.rng.choice(found)
    others = [seat for seat in (0, 1, 2, 3, 4, 255) if not c.voters >> seat & 1]
    return ("slash", [author.actor(), c.round, c.chunk, author.rng.choice(others)]) if others else None


def _accuse_badly(which: str) -> Move:
    """An accusation that is right but for one thing."""

    def aim(author: Author, phase: Phase, now: int) -> Choice | None:
        state, horizon, rng = author.scene.state, author.scene.state.parameters.horizon, author.rng
        finals = [final for final in state.finals if now < final.block.time + horizon]
        final = rng.choice(finals) if finals else None
        acting = author.acting(final.round) if final else []
        acting = [seat for seat in acting if final and not state.find_holder_at(seat, final.round).named]
        if final is None or not acting:
            return None
        seat = rng.choice(acting)
        head = [author.operator(seat, final.round), final.round, final.height, seat]
        others = [other for other in state.rounds[final.round].reveals if other != seat]
        match which:
            case "SelfAccused":
                return "accuse", [*head, seat, 0, seat]
            case "WrongGradient":
                return "accuse", [*head, rng.choice([*others, (seat + 1) % 256]), rng.choice((0, 1)), seat]
            case "AlreadyCondemned":
                condemned = [o for o in others if final.round <= state.find_holder_at(o, final.round).condemned_in]
                return ("accuse", [*head, rng.choice(condemned), 0, seat]) if condemned else None
        return None

    return aim


def _already_accused(author: Author, phase: Phase, now: int) -> Choice | None:
    state, horizon = author.scene.state, author.scene.state.parameters.horizon
    finals = {final.round: final for final in state.finals if now < final.block.time + horizon}
    made: list[Choice] = [
        ("accuse", [author.operator(seat, key[0]), key[0], finals[key[0]].height, seat, key[1], 0, key[2]])
        for key, found in state.accusations.items()
        for seat in compute_members(found.voters)
        if key[0] in finals
        and key[0] > state.find_holder_at(key[1], key[0]).condemned_in
        and not state.find_holder_at(seat, key[0]).named
    ]
    return author.rng.choice(made) if made else None


def _wrong_gradient(author: Author, phase: Phase, now: int) -> Choice | None:
    ways = [_answer_with(Flaw.FLIPPED_BIT), _accuse_badly("WrongGradient")]
    return author.rng.choice(ways)(author, phase, now)


def chaos(author: Author, phase: Phase, now: int) -> Choice:
    """Any call of anybody about anything, near enough to what there is that many checks are passed."""
    state, rng = author.scene.state, author.rng
    ids = [*list(state.seats)[:6], len(state.seats) & 255, rng.randrange(256)]
    seat, other = rng.choice(ids), rng.choice(ids)
    final = rng.choice(state.finals) if state.finals and rng.random() < 0.7 else None
    round_id = final.round if final else max(0, state.clock.round - rng.randint(-1, 9))
    height = final.height if final and rng.random() < 0.8 else rng.randrange(state.height + 3)
    if state.challenges and rng.random() < 0.6:
        round_id, chunk = rng.choice(list(state.challenges))
    else:
        chunk = rng.randrange(author.scene.chunks + 1)
    holder = state.find_holder(seat + rng.choice((0, 0, 256)))
    insiders = [INDEX[who] for who in (holder.owner, holder.operator, holder.next_operator) if INDEX.get(who, -1) >= 0]
    sender = rng.choice([*insiders, *insiders, author.actor(), OWNER])
    peer, number = rng.choice((0, 1, 256, 257)), rng.randrange(6)
    choices: list[Choice] = [
        *((kind, [seat]) for kind in ("activate", "leave", "retire", "withdrawBid", "revoke")),
        ("withdraw", [seat, rng.choice((author.label(), NOBODY))]),
        *((kind, [rng.choice((author.label(), NOBODY))]) for kind in ("claim", "sweep")),
        *((kind, [seat, rng.choice((0, 1, 9, 255)), rng.choice((0, 0, 1))]) for kind in ("topUp", "bid")),
        ("setOperator", [seat, rng.randrange(-1, ACTORS)]),
        ("setPeer", [seat, peer]),
        ("announceTip", [seat, number]),
        ("bench", [seat, max(0, state.clock.round - rng.randint(0, 6))]),
        ("takeSeat", [seat, rng.randrange(-1, ACTORS), peer]),
        ("openRound", []),
        ("commit", [round_id, seat, *author.anchor(), author.label(), sender]),
        ("reveal", [round_id, seat, author.scene.gradients.get((round_id, seat), 1), 1, rng.getrandbits(256)]),
        ("vote", [round_id, seat, *author.anchor(), rng.randrange(8), rng.randrange(2), number]),
        ("settle", [rng.randrange(12), *sorted([*rng.sample(range(512), 2), seat])]),
        ("challenge", [round_id, height, chunk, rng.choice((0, 0, 0, 1, 2)), rng.choice((0, 0, 7, -1))]),
        ("answerPart", [round_id, chunk, rng.randrange(4), rng.choice((0, 0, 1, 2, 3)), number]),
        ("answer", [round_id, chunk, rng.randrange(4), rng.choice((0, 0, 0, rng.randrange(10)))]),
        *((kind, [round_id, chunk]) for kind in ("overturn", "lapse")),
        ("slash", [round_id, chunk, seat]),
        *(("accuse", [round_id, height, seat, other, rng.choice((0, 0, 0, 1)), rng.choice(ids)]) for _ in range(2)),
        (
            "admit",
            [sender, rng.choice((sender, NOBODY, 3)), number, 100_000, number, rng.randrange(5), rng.randrange(5)],
        ),
    ]
    kind, args = rng.choice(choices)
    return kind, [sender, *args]


AIMS: dict[str, Move] = {
    "NotStanding": _not_standing,
    "TooLate": _too_late,
    "WrongRoot": _wrong_root,
    "NoSuchChunk": _no_such_chunk,
    "AlreadyChallenged": _already_challenged,
    "BondTooLow": _bond_too_low,
    "NeverSeated": _never_seated,
    "WrongStatus": _wrong_status,
    "WrongProgress": _wrong_progress,
    "WrongLength": _answer_with(
        Flaw.CUT_GRADIENTS, Flaw.SEAT_TOO_MANY, Flaw.CUT_OLD_CHUNK, Flaw.LONG_OLD_PATH, Flaw.LONG_NEW_PATH
    ),
    "NotRevealed": _not_revealed,
    "WrongGradient": _wrong_gradient,
    "SeatMissing": _answer_with(Flaw.SEAT_TOO_FEW),
    "WrongOldState": _answer_with(Flaw.OTHER_OLD_CHUNK),
    "WrongNewState": _answer_with(Flaw.NONE, Flaw.OTHER_NEW_PATH, is_sound=False),
    "NotNamed": _not_named,
    "SelfAccused": _accuse_badly("SelfAccused"),
    "AlreadyCondemned": _accuse_badly("AlreadyCondemned"),
    "AlreadyAccused": _already_accused,
}
