"""The adversaries: what each tries, and what must become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.adversaries import blobs, checking, training, voting
from tests.adversaries.place import Place
from trainer.roles.worker import Parts

HONEST = (12,) * 5  # weights of the honest seats, 60 in all
ALONE = (12,)  # an adversary of a sixth of the weight
FIFTH, THIRD, TWO_FIFTHS, NEARLY_HALF = (8, 7), (15, 14), (20, 20), (25, 24)  # a gang's: 20, 33, 40, 45 %


class Fate(StrEnum):
    """What must become of an adversary. The values are what the table says."""

    EXCLUDED = "kept out"  # not accepted in most of its rounds
    CONDEMNED = "condemned"  # by recomputation: what it earned and is not safe is forfeited, and it is benched
    POORER = "paid less"  # kept out of some rounds, and condemned if it is drawn in another
    UNPAID = "unpaid"  # accepted, and not paid for the rounds in which it cheats
    BENCHED = "benched"  # for rounds that it missed
    SPARED = "nothing"  # it harms nobody, or stays within what the rules forgive


@dataclass(frozen=True)
class Adversary:
    """alter: makes a worker one, before it begins. weights: of the seats of its gang."""

    name: str
    tries: str
    alter: Callable[[Parts, Place], None]
    fate: Fate
    weights: tuple[int, ...] = ALONE


def _train(
    name: str,
    tries: str,
    kind: type[training.DishonestTrainer],
    fate: Fate = Fate.CONDEMNED,
    weights: tuple[int, ...] = ALONE,
) -> Adversary:
    return Adversary(name, tries, training.put_in(kind), fate, weights)


ZOO: tuple[Adversary, ...] = (
    Adversary("copier", "hands in the sealed blob of another seat", blobs.copy_another, Fate.EXCLUDED),
    _train("own-copy", "trains once, and hands the same bits in ever after", training.OwnCopy, Fate.EXCLUDED),
    _train("momentum", "moves on by momentum; no gradient after the first", training.MomentumOnly, Fate.EXCLUDED),
    _train("steps-6", "takes 6 of 8 local steps", training.train_less(steps=0.75)),
    _train("steps-4", "takes 4 of 8 local steps", training.train_less(steps=0.5)),
    _train("steps-1", "takes 1 of 8 local steps", training.train_less(steps=0.0), Fate.POORER),
    _train("half-batch", "uses half of each batch", training.train_less(batch=0.5)),
    _train("wrong-data", "trains on other data", training.WrongData),
    _train("old-state", "trains from the state of the height before", training.OldState),
    _train("sign-flip", "hands in the opposite of its work", training.SignFlip, Fate.EXCLUDED),
    _train("random", "hands in noise", training.RandomBits, Fate.EXCLUDED),
    _train("direction-20", "one arbitrary direction, 20 %", training.CommonDirection, Fate.EXCLUDED, FIFTH),
    _train("direction-33", "one arbitrary direction, 33 %", training.CommonDirection, Fate.EXCLUDED, THIRD),
    _train("direction-45", "one arbitrary direction, 45 %", training.CommonDirection, Fate.EXCLUDED, NEARLY_HALF),
    _train("flip-40", "colluding sign flip, 40 %", training.SignFlip, Fate.EXCLUDED, TWO_FIFTHS),
    Adversary("lazy-guess", "checks nobody, writes a random sample", checking.guess, Fate.CONDEMNED),
    Adversary("lazy-copy", "checks nobody, takes its own bits for the target's", checking.copy, Fate.CONDEMNED),
    Adversary("framer", "false alarms and accusations against one seat", checking.frame, Fate.CONDEMNED),
    Adversary("friends", "two that cheat and spare each other", checking.spare_friends, Fate.CONDEMNED, (12, 12)),
    _train("edge-rider", "alters as many bits as the threshold forgives", training.EdgeRider, Fate.SPARED),
    Adversary("haves-all", "says that it holds all blobs", blobs.claim_haves(blobs.claim_all), Fate.SPARED),
    Adversary("haves-none", "says that it holds none", blobs.claim_haves(blobs.claim_none), Fate.SPARED),
    Adversary(
        "haves-friends", "claims its friends' only, 33 %", blobs.claim_haves(blobs.claim_friends), Fate.SPARED, THIRD
    ),
    Adversary("late-blob", "serves its blob at the last moment", blobs.publish_late, Fate.SPARED),
    Adversary("no-reveal", "commits, and never reveals", blobs.withhold_reveal, Fate.BENCHED),
    Adversary(
        "bait-copy", "one votes wrongly first, one copies the first vote", voting.bait_and_copy, Fate.UNPAID, (12, 12)
    ),
    Adversary("garbage", "a blob of noise", blobs.alter_blobs(blobs.make_garbage), Fate.EXCLUDED),
    Adversary("oversized", "a blob a hundred times too large", blobs.alter_blobs(blobs.make_oversized), Fate.EXCLUDED),
    Adversary("mis-sealed", "a blob that its key does not open", blobs.alter_blobs(blobs.missend), Fate.EXCLUDED),
    Adversary("wrong-root", "votes for a wrong root", voting.vote_wrong_root, Fate.UNPAID),
)
BY_NAME = {adversary.name: adversary for adversary in ZOO}
