"""Writes sequences by steering the Python model: python -m tests.differential.generate [FILE] [--count N] [--seed S]

Some steps move the run on, some are errands, some aim at one error, the one met least so far, and some are any call of
anybody. The model decides what happens; what it says is recorded. Same count and seed, same file.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tests.differential import aims_disputes, aims_rounds, aims_seats
from tests.differential.author import Author, Choice, Plan, Tools
from tests.differential.census import Census
from tests.differential.disputes import ERRANDS
from tests.differential.full_run import play_full
from tests.differential.going_on import go_on
from tests.differential.operations import ACTORS, OWNER, SAME_BLOCK, SEQUENCES, Sequence
from trainer.errors import REVERTS

SEED = 3
COUNT = 100
STEPS = 130  # beyond the prelude, which takes seats

TOOLS = Tools(go_on, ERRANDS, aims_rounds.AIMS | aims_seats.AIMS | aims_disputes.AIMS, aims_disputes.chaos)

# (share, name, changed parameters, how it is played)
PLANS: tuple[tuple[int, str, dict[str, tuple[int, ...]], Plan], ...] = (
    (16, "brisk", {}, Plan(STEPS)),
    (
        14,
        "doubt",
        {"challenge_window": (60, 90), "ring": (13,)},
        Plan(STEPS, sleepy=0.1, favourites=("challenge", "overturn", "late answer", "slash", "come back")),
    ),
    (
        12,
        "old doubts",  # rounds quick enough for several to be challenged at once, and to wait for their slots
        {"challenge_window": (90,), "commit_min": (20,), "parameter_count": (2500,)},
        Plan(
            STEPS,
            sleepy=0.03,
            aim=0.1,
            jump=0.0,
            patience=3,
            favourites=("challenge", "rest of phase", "overturn", "lapse"),
        ),
    ),
    (6, "slow", {}, Plan(STEPS, jump=0.35)),
    (6, "split votes", {"vote_window": (20, 60)}, Plan(STEPS, split=0.5, seats=(4, 5, 6), sleepy=0.1)),
    (
        8,
        "coming and going",
        {"activate_delay": (1, 3)},
        Plan(STEPS, favourites=("come", "leave", "withdraw", "retire")),
    ),
    (
        8,
        "sleepy",
        {"commit_cap": (12,), "activate_delay": (1, 2)},
        Plan(
            STEPS, sleepy=0.6, seats=(4, 5, 6), flawed=0.1, aim=0.1, favourites=("bench", "rest of phase", "come back")
        ),
    ),
    (
        8,
        "pay",
        {"reward_per_round": (300, 1000), "challenge_window": (8,), "answer_window": (4,), "settle_window": (60,)},
        Plan(STEPS, flawed=0.1, favourites=("settle", "top up", "accuse", "fund", "rest of phase", "claim")),
    ),
    (
        10,
        "short run",
        {"total_heights": (2, 3), "warmup": (1,), "decay": (1,)},
        Plan(
            STEPS, sleepy=0.05, flawed=0.2, patience=2, favourites=("challenge", "overturn", "sweep", "rest of phase")
        ),
    ),
    (8, "invited", {"invitation_only": (True,)}, Plan(STEPS, favourites=("admit", "revoke", "come"))),
    (3, "wide base", {"min_weight": (300, 700)}, Plan(STEPS)),
    (
        2,
        "old anchors",
        {"commit_cap": (2000,), "vote_window": (2000,), "reveal_window": (2000,)},
        Plan(STEPS, mine=0.05),
    ),
    (
        5,
        "places",
        {"activate_delay": (1, 3), "invitation_only": (False, False, True)},
        Plan(
            2 * STEPS,
            places=True,
            sleepy=0.0,
            flawed=0.2,
            aim=0.15,
            favourites=("bid", "take seat", "rest of phase", "challenge", "overturn", "slash", "settle"),
        ),
    ),
)


def write_sequence(index: int, count: int, seed: int, census: Census) -> Sequence:
    """Sequence number `index` of so many."""
    rng = random.Random(sha256(b"comitia %d %d" % (seed, index)).digest())
    deck = [plan for plan in PLANS for _ in range(plan[0])]
    _, name, choices, plan = deck[index * len(deck) // count]
    parameters = {"parameter_count": rng.choice((1000, 1500, 2500))}
    parameters |= {key: rng.choice(values) for key, values in choices.items()}
    author = Author(rng, parameters, plan, census, TOOLS)
    return Sequence(f"{name} {seed}/{index}", parameters, tuple(author.write(begin(author))))


def begin(author: Author) -> Iterator[tuple[int, Choice]]:
    """The seats of the beginning, and a pool."""
    rng, state = author.rng, author.scene.state
    if rng.random() < 0.8:
        yield 1, ("fund", [author.actor(), rng.choice((500, 5_000, 50_000))])
    for index in range(256 if author.plan.places else author.seats_wanted):
        owner = OWNER if author.plan.places and index > 5 else author.actor()
        is_heavy = author.plan.places and index < 3
        weight = rng.choice((100, 110, 120)) if is_heavy else 1 if author.plan.places else rng.choice((3, 5, 7, 10, 40))
        if state.parameters.invitation_only:
            yield SAME_BLOCK if index else 1, ("admit", [owner, owner, owner, 1, 100_000, author.label(), 0, 0])
        operator = owner if rng.random() < 0.3 else author.actor()
        yield 1 if index % 16 == 0 else SAME_BLOCK, ("join", [owner, weight, operator, rng.randrange(40), 0])
    if state.parameters.invitation_only:
        for index in range(3 if author.plan.places else 1):
            yield SAME_BLOCK, ("admit", [1, 1 + index, 1 + index, 1, 100_000, author.label(), 0, 0])
    for seat in range(3 if author.plan.places else author.seats_wanted):
        delay = state.parameters.activate_delay if seat == 0 else SAME_BLOCK
        yield delay, ("activate", [rng.choice([author.operator(seat, 2)]), seat])
    yield 1, ("openRound", [rng.randrange(ACTORS)])


def write_full_run(seed: int, census: Census) -> Sequence:
    """All 256 seats act, with the widest weights, bitmaps and sums."""
    parameters = {
        "activate_delay": 1,
        "commit_cap": 40,
        "reveal_window": 60,
        "vote_window": 80,
        "parameter_count": 1500,
    }
    author = Author(random.Random(seed), parameters, Plan(0, seats=(256,)), census, TOOLS)
    return Sequence(f"full {seed}", parameters, tuple(play_full(author)))


def write_all(count: int = COUNT, seed: int = SEED) -> tuple[list[Sequence], Census]:
    """All sequences, and what they make happen."""
    census = Census()
    sequences = [write_full_run(seed, census)]
    sequences += [write_sequence(index, count, seed, census) for index in range(1, count)]
    return sequences, census


def main() -> None:
    """Writes the file and prints the counts."""
    parser = argparse.ArgumentParser(description="Writes sequences for the differential test.")
    parser.add_argument("file", type=Path, nargs="?", default=SEQUENCES)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    sequences, census = write_all(options.count, options.seed)
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text("".join(sequence.encode() + "\n" for sequence in sequences))
    census.print()
    steps = sum(len(sequence.steps) for sequence in sequences)
    print(f"{steps} steps in {len(sequences)} sequences, {options.file.stat().st_size} bytes")
    missing = census.find_missing(sorted(REVERTS), options.count / COUNT)
    if missing and options.count >= COUNT:  # a few sequences need not go everywhere
        raise SystemExit(f"too rare (found, wanted): {missing}")


if __name__ == "__main__":
    main()
