"""Invitations: what is signed, and the file."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from trainer.access.invitations import ACCEPTANCE, INVITATION, NOBODY, Invitation, invite
from trainer.errors import UsageError
from trainer.keys import OperatorKey

OWNER = OperatorKey(b"\x01" * 32)
GUEST = OperatorKey(b"\x02" * 32).address
RUN = "0x" + "ab" * 20
DOMAIN = {"name": "Comitia", "version": "1", "chainId": 31337, "verifyingContract": RUN}


def recover(kind: str, types: list[dict[str, str]], message: dict[str, object], signature: bytes) -> str:
    found = encode_typed_data(DOMAIN, {kind: types}, message)
    return str(Account.recover_message(found, signature=signature))


def test_the_owner_signs_every_word() -> None:
    found = invite(OWNER, 31337, RUN, GUEST, 1234)
    words = dict(zip(("invitee", "key", "deadline", "nonce"), found.words, strict=True))
    assert (found.invitee, found.key, found.deadline, found.secret) == (GUEST, NOBODY, 1234, "")
    assert recover("Invitation", INVITATION, words, found.owner_signature) == OWNER.address
    assert recover("Invitation", INVITATION, words | {"deadline": 9}, found.owner_signature) != OWNER.address
    assert found.sign_acceptance(GUEST) == b""


def test_a_one_time_key_names_the_account() -> None:
    found = invite(OWNER, 31337, RUN, None, 1234)
    assert found.invitee == NOBODY
    signature = found.sign_acceptance(GUEST)
    assert recover("Acceptance", ACCEPTANCE, {"account": GUEST}, signature) == found.key
    assert invite(OWNER, 31337, RUN, None, 1234).nonce != found.nonce


def test_its_file_is_for_one_only_and_comes_back(tmp_path: Path) -> None:
    path, found = tmp_path / "invitation.json", invite(OWNER, 31337, RUN, None, 1234)
    found.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Invitation.load(path) == found
    with pytest.raises(UsageError, match="exists already"):
        found.save(path)
    for text in ("", "{}", "[]", found.encode().replace("1234", '"x"'), replace(found, signature="0x12").encode()):
        path.write_text(text)
        with pytest.raises(UsageError, match="is no invitation"):
            Invitation.load(path)
