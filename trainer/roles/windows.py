"""A run's windows from two measured times: how long a round's training takes, and how often the chain makes a block
(docs/operating.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_REVEAL = 20  # seconds: a worker's restart
MIN_VOTE = 60  # seconds: long, since the phase ends at the quorum
DEVNET_WINDOW = 30  # seconds to challenge, to answer, to settle: a devnet's stakes are play money
MIN_RING = 16
PACE = 1.25  # times its training that most rounds take: what the ring must bear


@dataclass(frozen=True)
class Windows:
    """Seconds of chain time, and the ring in rounds; names as in `Parameters`."""

    commit_min: int
    grace: int
    commit_cap: int
    reveal_window: int
    vote_window: int
    challenge_window: int
    answer_window: int
    settle_window: int
    activate_delay: int
    leave_delay: int
    ring: int


def compute_windows(training_seconds: float, block_seconds: float, challenge: int, answer: int, settle: int) -> Windows:
    """Windows for rounds of `training_seconds` on a chain with a block every `block_seconds`. `challenge`, `answer`,
    `settle` are the operator's choice.
    """
    # Nobody's speed excludes who trains within it. Who is drawn to check trains twice, and waits with its commit up to
    # three quarters of this. A round in which all commit ends earlier.
    commit_min = math.ceil(2.75 * training_seconds)
    pace = math.ceil(PACE * training_seconds)
    reveal = max(MIN_REVEAL, math.ceil(5 * block_seconds))
    vote = max(MIN_VOTE, math.ceil(8 * block_seconds))
    cap = math.ceil(3 * training_seconds)
    covered = challenge + 2 * answer + settle
    return Windows(
        commit_min=commit_min,
        grace=math.ceil(max(training_seconds / 4, 3 * block_seconds)),
        commit_cap=cap,
        reveal_window=reveal,
        vote_window=vote,
        challenge_window=challenge,
        answer_window=answer,
        settle_window=settle,
        activate_delay=math.ceil(2 * training_seconds),
        leave_delay=cap + reveal + vote,
        ring=max(MIN_RING, 2 ** math.ceil(math.log2(math.ceil(covered / pace)))),
    )
