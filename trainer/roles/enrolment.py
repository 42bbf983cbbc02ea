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
from trainer.protocol.keychain import KeyChain, compute_round_key, derive_secret
from trainer.protocol.run_state import RunState, Seat

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


class KeyRing:
    """An operator's key chains for a run, by their tips."""

    def __init__(self, key: OperatorKey, deployment: Deployment) -> None:
        self._key, self._deployment = key, deployment
        self._chains: dict[bytes, KeyChain] = {}

    def find(self, tip: bytes) -> KeyChain | None:
        """The chain with this tip; None if it is none of this key's."""
        while tip not in self._chains and len(self._chains) < KEYCHAINS:
            chain = load_keychain(self._key, self._deployment, len(self._chains))
            self._chains[chain.tip] = chain
        return self._chains.get(tip)

    def compute_key(self, seat: Seat, round_id: int) -> bytes | None:
        """The seat's key of a round; None where the chain that serves it is another operator's, or is used up."""
        tip = seat.find_tip(round_id)
        chain = self.find(tip.tip)
        if chain is None or round_id - tip.announced > chain.length + 1:
            return None
        return compute_round_key(chain, tip.announced, round_id)


def find_seat(run: RunState, operator: str, wanted: int | None) -> Seat:
    """The seat that an account operates; `wanted` where it has several. Raises UsageError."""
    seats = [s for s in run.seats.values() if s.get_operator(run.next_round) == operator and not s.has_left]
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
