"""Writes tests/differential/sequences.jsonl by steering the Python model: python -m tests.differential.generate [FILE]

Two out of three steps move the run on; the others aim at one error, the one met least so far. The model decides what
happens; what it says is recorded. Same seed, same file.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tests.differential.aims import AIMS
from tests.differential.author import Author, Plan
from tests.differential.census import Census
from tests.differential.operations import ACTORS, REAL, SAME_BLOCK, SEQUENCES, Sequence, Step
from trainer.errors import REVERTS

SEED = 1
COUNT = 200

# (share, name, changed parameters, how it is played)
PLANS: tuple[tuple[int, str, dict[str, tuple[int, ...]], Plan], ...] = (
    (6, "brisk", {"total_heights": (5, 6, 9)}, Plan(steps=110, jump=0.08)),
    (4, "slow", {}, Plan(steps=90, jump=0.35)),
    (4, "split votes", {"vote_window": (20, 60)}, Plan(steps=110, jump=0.1, split=0.6)),
    (3, "coming and going", {"activate_delay": (1, 3)}, Plan(steps=110, jump=0.15, traffic=0.35)),
    (
        3,
        "small ring",
        {"ring": (2,), "commit_min": (15,), "challenge_window": (12,), "total_heights": (8,)},
        Plan(steps=120, jump=0.1),
    ),
    (1, "short run", {"total_heights": (2,), "warmup": (1,), "decay": (1,)}, Plan(steps=80, jump=0.08)),
    (
        1,
        "old anchors",
        {"commit_cap": (2000,), "vote_window": (2000,), "reveal_window": (2000,)},
        Plan(steps=70, jump=0.05, mine=0.08),
    ),
    (1, "wide base", {"min_weight": (300, 700)}, Plan(steps=90, jump=0.2)),
)


def write_sequence(index: int, counts: Census) -> Sequence:
    """Sequence number `index`."""
    rng = random.Random(sha256(b"comitia %d %d" % (SEED, index)).digest())
    deck = [plan for plan in PLANS for _ in range(plan[0])]
    _, name, choices, plan = deck[index * len(deck) // COUNT]
    parameters = {key: rng.choice(values) for key, values in choices.items()}
    author = Author(rng, parameters, plan, counts, AIMS)
    return Sequence(f"{name} {index}", parameters, tuple(author.write()))


def write_full_run(counts: Census) -> Sequence:
    """All 256 seats, the widest weights and bitmaps."""
    author = Author(random.Random(SEED), {"activate_delay": 1}, Plan(steps=0, jump=0.0), counts, AIMS)
    return Sequence("full", author.parameters, tuple(_play_full(author)))


def _play_full(author: Author) -> Iterator[Step]:
    for index in range(257):
        delay = 1 if index % 16 == 0 else SAME_BLOCK
        yield author.play(delay, "join", [index % ACTORS, 255, (index * 7) % ACTORS, index % 40, 0])
    yield author.play(1, "join", [1, 255, 1, 0, 0])
    for seat in range(256):
        yield author.play(2 if seat % 16 == 0 else SAME_BLOCK, "activate", [author.operator(seat), seat])
    yield author.play(1, "open", [0])
    author.target = author.number + 1
    acting = range(255, 75, -1)
    for seat in acting:
        yield author.play(1 if seat == 255 else SAME_BLOCK, *author.commit(seat))
    yield author.mine(1, 26)
    for seat in acting:
        yield author.play(1 if seat == 255 else SAME_BLOCK, *author.reveal(seat))
    everybody = (1 << 256) - 1
    for seat in acting:
        root = 1 if seat % 41 else 2
        args = [author.operator(seat), author.scene.state.clock.round, seat, 1, REAL, everybody, everybody, root]
        yield author.play(1 if seat % 16 == 15 else SAME_BLOCK, "vote", args)


def write_all() -> tuple[list[Sequence], Counter[str]]:
    """All sequences, and what they make happen."""
    census = Census()
    sequences = [write_full_run(census)] + [write_sequence(index, census) for index in range(1, COUNT)]
    missing = census.find_missing(sorted(REVERTS))
    if missing:
        raise SystemExit(f"too rare (found, wanted): {missing}")
    return sequences, census.counts


def main() -> None:
    """Writes the file and prints the counts."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SEQUENCES
    sequences, counts = write_all()
    path.write_text("".join(sequence.encode() + "\n" for sequence in sequences))
    for name, count in sorted(counts.items()):
        print(f"{count:6} {name}")
    steps = sum(len(sequence.steps) for sequence in sequences)
    print(f"{steps} steps in {len(sequences)} sequences, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
