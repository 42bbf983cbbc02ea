"""Invitations to a run that is not open to all: what its owner signs (EIP-712), and the file that the invitee gets.

An invitation is bound to an account; or to a one-time key in its file, which then names the account: whoever has that
file can use it once, so it is secret.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from trainer.errors import UsageError
from trainer.files import write_whole
from trainer.keys import OperatorKey

NOBODY = "0x" + "00" * 20
INVITATION = [
    {"name": "invitee", "type": "address"},
    {"name": "key", "type": "address"},
    {"name": "deadline", "type": "uint64"},
    {"name": "nonce", "type": "uint256"},
]
ACCEPTANCE = [{"name": "account", "type": "address"}]


@dataclass(frozen=True)
class Invitation:
    """A signed invitation. `deadline`: last second of chain time in which it can be used; `secret`: the one-time key in
    hex, empty where an invitee is named.
    """

    chain_id: int
    run: str
    invitee: str
    key: str
    deadline: int
    nonce: str  # decimal: other programs read large numbers as floats
    signature: str
    secret: str

    @property
    def words(self) -> tuple[str, str, int, int]:
        """As the contract takes it."""
        return (self.invitee, self.key, self.deadline, int(self.nonce))

    @property
    def owner_signature(self) -> bytes:
        """The run owner's, 65 bytes."""
        return bytes.fromhex(self.signature.removeprefix("0x"))

    def encode(self) -> str:
        """As JSON."""
        return json.dumps({field.name: getattr(self, field.name) for field in fields(self)}, indent=1) + "\n"

    def save(self, path: Path) -> None:
        """Writes it, mode 0600. Never over another file."""
        if path.exists():
            raise UsageError(f"{path} exists already; choose another name")
        write_whole(path, self.encode().encode(), mode=0o600)

    @classmethod
    def load(cls, path: Path) -> Invitation:
        """Reads an invitation's file. Raises UsageError for anything else."""
        try:
            found = cls(**json.loads(path.read_text()))
            if len(found.owner_signature) != 65 or not all(isinstance(word, int) for word in found.words[2:]):
                raise ValueError("a signature has 65 bytes")
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} is no invitation ({error}); the run's owner makes one") from None
        return found

    def sign_acceptance(self, account: str) -> bytes:
        """The one-time key's signature that names the account; empty where the invitation names one itself."""
        if not self.secret:
            return b""
        key = OperatorKey(bytes.fromhex(self.secret.removeprefix("0x")))
        return _sign(key, self.chain_id, self.run, "Acceptance", ACCEPTANCE, {"account": account})


def invite(owner: OperatorKey, chain_id: int, run: str, invitee: str | None, deadline: int) -> Invitation:
    """Signs an invitation for an account, or with a fresh one-time key for whoever has the file."""
    one_time = None if invitee else secrets.token_bytes(32)
    key = OperatorKey(one_time).address if one_time else NOBODY
    words = {"invitee": invitee or NOBODY, "key": key, "deadline": deadline, "nonce": secrets.randbits(128)}
    return Invitation(
        chain_id=chain_id,
        run=run,
        invitee=invitee or NOBODY,
        key=key,
        deadline=deadline,
        nonce=str(words["nonce"]),
        signature="0x" + _sign(owner, chain_id, run, "Invitation", INVITATION, words).hex(),
        secret="0x" + one_time.hex() if one_time else "",
    )


def _sign(
    key: OperatorKey, chain_id: int, run: str, kind: str, types: list[dict[str, str]], message: Mapping[str, Any]
) -> bytes:
    domain = {"name": "Comitia", "version": "1", "chainId": chain_id, "verifyingContract": run}
    return key.sign_typed_data(domain, {kind: types}, message)
