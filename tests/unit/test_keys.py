"""Keystores and the operator's key."""

from __future__ import annotations

import json
import pickle
import re
import stat
import subprocess
import traceback
from pathlib import Path

import pytest
from eth_account import Account

from trainer import keys
from trainer.errors import KeystoreError, UsageError
from trainer.keys import OperatorKey, create_keystore, list_keystores, load_keystore, read_password
from trainer.protocol.keychain import derive_secret

ROOT = Path(__file__).resolve().parents[2]
SECRET = bytes(range(1, 33))


@pytest.fixture
def key() -> OperatorKey:
    return OperatorKey(SECRET)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_keystore_is_for_its_owner_only(key: OperatorKey, tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "keystores"
    made = create_keystore(directory, "worker", key, "pass word", fast=True)
    assert (mode(directory), mode(made.path)) == (0o700, 0o600)
    assert made.address == key.address
    directory.chmod(0o755)
    create_keystore(directory, "second", OperatorKey.generate(), "", fast=True)
    assert mode(directory) == 0o700
    assert [store.name for store in list_keystores(directory)] == ["second", "worker"]
    assert SECRET.hex() not in made.path.read_text()


def test_a_keystore_opens_by_name_and_by_path(key: OperatorKey, tmp_path: Path) -> None:
    made = create_keystore(tmp_path, "worker", key, "pass word", fast=True)
    for name in ("worker", "worker.json", str(made.path)):
        assert load_keystore(tmp_path, name, "pass word").address == key.address
    with pytest.raises(KeystoreError, match=r"no keystore 'other' in .* \(there: worker\)"):
        load_keystore(tmp_path, "other", "pass word")


def test_a_wrong_password_is_one_clear_line(key: OperatorKey, tmp_path: Path) -> None:
    made = create_keystore(tmp_path, "worker", key, "pass word", fast=True)
    for wrong in ("pass word ", "", "\n"):
        with pytest.raises(KeystoreError) as caught:
            load_keystore(tmp_path, "worker", wrong)
        assert str(caught.value) == f"wrong password for {made.path}"
        assert caught.value.exit_code == 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "not JSON",
        '{"crypto": {}}',
        '{"crypto": 5, "version": 3}',
        '{"crypto": {"kdf": "x"}, "version": 3}',
    ],
)
def test_a_damaged_keystore_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(KeystoreError, match=r"broken\.json") as caught:
        load_keystore(tmp_path, "broken", "x")
    assert "\n" not in str(caught.value)


def test_a_keystore_is_never_overwritten(key: OperatorKey, tmp_path: Path) -> None:
    made = create_keystore(tmp_path, "worker", key, "x", fast=True)
    before = made.path.read_bytes()
    with pytest.raises(KeystoreError, match="exists already"):
        create_keystore(tmp_path, "worker", OperatorKey.generate(), "x", fast=True)
    assert made.path.read_bytes() == before
    for name in ("../worker", "", "a/b", ".hidden", "x" * 65):
        with pytest.raises(UsageError, match="letters"):
            create_keystore(tmp_path, name, key, "x", fast=True)


def test_the_full_work_factor_is_the_default(key: OperatorKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        Account, "encrypt", lambda _key, _password, kdf, iterations: asked.append((kdf, iterations)) or {}
    )
    create_keystore(tmp_path, "worker", key, "x")
    assert asked == [("scrypt", 1 << 18)]


def test_cast_and_comitia_read_each_others_keystores(key: OperatorKey, tmp_path: Path) -> None:
    # As `cast wallet import` writes it: no address, no .json, upper-case "Crypto" in old clients.
    data = json.loads(create_keystore(tmp_path, "ours", key, "x", fast=True).path.read_text())
    del data["address"]
    data["Crypto"] = data.pop("crypto")
    (tmp_path / "theirs").write_text(json.dumps(data))
    assert load_keystore(tmp_path, "theirs", "x").address == key.address
    assert [(store.name, store.address) for store in list_keystores(tmp_path)] == [
        ("ours", key.address),
        ("theirs", None),
    ]
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("cast-*/bin/cast"))
    if found:  # not a dependency of the project; the real one is asked where it happens to be
        command = [found[0], "wallet", "address", "--keystore", tmp_path / "ours.json", "--password", "x"]
        assert key.address in subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_passwords_come_from_the_first_source_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text("from file \n")
    monkeypatch.setenv("COMITIA_TEST_PASSWORD", "from env")
    assert read_password(file, "COMITIA_TEST_PASSWORD", lambda: "typed") == "from file "
    assert read_password(None, "COMITIA_TEST_PASSWORD", lambda: "typed") == "from env"
    assert read_password(None, None, lambda: "typed") == "typed"
    for arguments in ((tmp_path / "none", None, None), (None, "COMITIA_TEST_ABSENT", None), (None, None, None)):
        with pytest.raises(KeystoreError):
            read_password(*arguments)


def test_a_key_never_shows_itself(key: OperatorKey) -> None:
    shown = [repr(key), str(key), f"{key}", repr([key]), repr(vars(keys))]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    for bad in (SECRET[:31], b"\0" * 32, b"\xff" * 32, SECRET + b"\x01"):
        with pytest.raises(KeystoreError) as caught:
            OperatorKey(bad)
        shown.append("".join(traceback.format_exception(caught.value)))
        assert bad.hex() not in shown[-1]
        assert repr(bad) not in shown[-1]
    assert not any(SECRET.hex() in text or str(int.from_bytes(SECRET, "big")) in text for text in shown)
    assert re.fullmatch(r"OperatorKey\(0x[0-9a-fA-F]{40}\)", repr(key))


def test_the_key_chain_is_derived_inside(key: OperatorKey) -> None:
    contract = "0x" + "11" * 20
    assert key.derive(derive_secret, 31337, contract, 0) == derive_secret(SECRET, 31337, contract, 0)
    assert key.derive(derive_secret, 31337, contract, 0) != key.derive(derive_secret, 31337, contract, 1)


def test_signatures_are_of_this_key(key: OperatorKey) -> None:
    fields = {"type": 2, "chainId": 1, "nonce": 0, "to": key.address, "value": 0, "gas": 21_000, "data": b""}
    raw, digest = key.sign_transaction({**fields, "maxFeePerGas": 2, "maxPriorityFeePerGas": 1})
    assert Account.recover_transaction(raw) == key.address
    assert len(digest) == 32
