"""How a participant comes to a seat: the card that an operator hands to the owner, and the key chain that belongs to a
seat.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer.chain.deployment import Deployment
from trainer.errors import UsageError
from trainer.keys import OperatorKey
from trainer.protocol.keychain import KeyChain, derive_secret
from trainer.protocol.run_state import RunState, Seat
from trainer.protocol.types import FOREVER

KEYCHAINS = 8  # how many of a key's chains are tried to find the one that a seat announced


@dataclass(frozen=True)
class Card:
    """What the owner needs of the operator to join a run, and nothing secret: account, tip of the key chain (hex), peer
    address.
    """

    run: str  # the contract's address
    operator: str
    tip: str
    peer: str

    def encode(self) -> str:
        """As a JSON line."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, path: Path, deployment: Deployment) -> Card:
        """Reads a card's file. Raises UsageError for anything else, or for a card of another run."""
        try:
            card = cls(**json.loads(path.read_text()))
            if len(bytes.fromhex(card.tip.removeprefix("0x"))) != 32:
                raise ValueError("the tip has 32 bytes")
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"{path} is no seat card ({error}); the operator makes one with `comitia seat card`"
            ) from None
        if card.run != deployment.address:
            raise UsageError(f"{path} is a card for the run {card.run}, not for {deployment.address}")
        return card


def make_card(key: OperatorKey, deployment: Deployment, peer: str, index: int = 0) -> Card:
    """The card of an operator's key. `index`: which of its key chains (a new one after 65,536 rounds)."""
    return Card(deployment.address, key.address, "0x" + load_keychain(key, deployment, index).tip.hex(), peer)


def load_keychain(key: OperatorKey, deployment: Deployment, index: int) -> KeyChain:
    """One of a key's chains for a run: derived, so there is nothing to lose."""
    return KeyChain(key.derive(derive_secret, deployment.chain_id, deployment.address, index))


def find_keychain(key: OperatorKey, deployment: Deployment, seat: Seat) -> KeyChain:
    """The chain whose tip a seat announced. Raises UsageError if it is none of this key's."""
    for index in range(KEYCHAINS):
        chain = load_keychain(key, deployment, index)
        if chain.tip == seat.tip:
            return chain
    raise UsageError(
        f"seat {seat.seat} announced a key chain that is not of this key: was it joined with another operator's card?"
    )


def find_seat(run: RunState, operator: str, wanted: int | None) -> Seat:
    """The seat that an account operates; `wanted` where it has several. Raises UsageError."""
    seats = [seat for seat in run.seats.values() if seat.operator == operator and seat.until == FOREVER]
    if wanted is not None:
        seats = [seat for seat in seats if seat.seat == wanted]
    if not seats:
        raise UsageError(
            f"{operator} operates no seat of this run{'' if wanted is None else f' with id {wanted}'}: join first "
            f"(`comitia seat join`)"
        )
    if len(seats) > 1:
        raise UsageError(
            f"{operator} operates seats {', '.join(str(seat.seat) for seat in seats)}: say which with --seat"
        )
    return seats[0]
