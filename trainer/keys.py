"""Operators' keys and their keystores: web3 secret storage, as `cast wallet` and every client read and write it.

The only home of `eth_account` outside `chain/`, and of private key bytes: nothing else in this package ever holds them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

from trainer.errors import KeystoreError, UsageError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

P = ParamSpec("P")
T = TypeVar("T")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
SCRYPT_N = 1 << 18  # 0.75 s and 256 MiB, once per start; what other clients use
FAST_SCRYPT_N = 1 << 12  # devnets and tests: their keys are worth nothing


class OperatorKey:
    """A private key that signs, and derives a run's key chains. It never shows itself: not in a repr, a traceback or a
    pickle.
    """

    __slots__ = ("_account",)

    def __init__(self, private_key: bytes) -> None:
        from eth_account import Account

        try:
            self._account: LocalAccount = Account.from_key(private_key)
        except Exception:  # noqa: BLE001 - whatever eth_account says may quote the key
            raise KeystoreError("a private key has 32 bytes and lies within the order of secp256k1") from None

    @classmethod
    def generate(cls) -> OperatorKey:
        """A new key from the system's randomness."""
        from eth_account import Account

        return cls(bytes(Account.create().key))

    @property
    def address(self) -> str:
        """The account's checksummed address."""
        return str(self._account.address)

    def sign_transaction(self, fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Signs a transaction with complete fields (web3's names). Returns (raw bytes, 32-byte hash)."""
        signed = self._account.sign_transaction(dict(fields))
        return bytes(signed.raw_transaction), bytes(signed.hash)

    def sign_typed_data(self, domain: Mapping[str, Any], types: Mapping[str, Any], message: Mapping[str, Any]) -> bytes:
        """Signs a message of an EIP-712 domain; `types` has the message's type alone, by its name. 65 bytes."""
        return bytes(self._account.sign_typed_data(dict(domain), dict(types), dict(message)).signature)

    def derive(self, derivation: Callable[Concatenate[bytes, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns `derivation(private key, *args)`: the one way to the key's bytes. The result is as secret as the
        derivation makes it.

        >>> key.derive(keychain.derive_secret, chain_id, contract, 0)  # doctest: +SKIP
        """
        return derivation(bytes(self._account.key), *args, **kwargs)

    def __repr__(self) -> str:
        return f"OperatorKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an operator's key is not pickled")


@dataclass(frozen=True)
class Keystore:
    """A keystore in a directory. `address` is None where the file does not tell it (those of `cast` do not)."""

    name: str
    path: Path
    address: str | None


def create_keystore(directory: Path, name: str, key: OperatorKey, password: str, *, fast: bool = False) -> Keystore:
    """Writes `<directory>/<name>.json`, mode 0600 in a directory of mode 0700; never over an existing file.

    `fast` weakens the password's protection: for devnets and tests only.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"a keystore's name has letters, digits and _ . - only, not {name!r}")
    path = directory / f"{name}.json"
    text = json.dumps(key.derive(_encrypt, password, FAST_SCRYPT_N if fast else SCRYPT_N))
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise KeystoreError(f"{path} exists already; choose another name") from None
    except OSError as error:
        raise KeystoreError(f"cannot write {path}: {error.strerror}") from None
    return Keystore(name, path, key.address)


def list_keystores(directory: Path) -> list[Keystore]:
    """All keystores of a directory in the order of their names; other files are passed over."""
    found = []
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        try:
            data = _read(path)
        except KeystoreError:
            continue
        found.append(Keystore(path.stem if path.suffix == ".json" else path.name, path, _address_of(data)))
    return found


def load_keystore(directory: Path, name: str, password: str) -> OperatorKey:
    """Opens a keystore by name in `directory`, or by path. Takes as long as its key derivation asks for (0.75 s for
    ours).
    """
    from eth_account import Account

    path = find_keystore(directory, name)
    data = _read(path)
    try:
        private_key = bytes(Account.decrypt(data, password))
    except ValueError as error:
        if "MAC" in str(error):
            raise KeystoreError(f"wrong password for {path}") from None
        raise KeystoreError(f"{path} is damaged: {error}") from None
    except Exception as error:  # noqa: BLE001 - a keystore is a stranger's file: a missing or wrong field fails in many ways
        raise KeystoreError(f"{path} is damaged: {type(error).__name__}") from None
    return OperatorKey(private_key)


def find_keystore(directory: Path, name: str) -> Path:
    """Path of a keystore named by its name in `directory` (with or without .json) or by its path."""
    candidates = [directory / f"{name}.json", directory / name, Path(name).expanduser()]
    for path in candidates:
        if path.is_file():
            return path
    known = ", ".join(keystore.name for keystore in list_keystores(directory)) or "none"
    raise KeystoreError(f"no keystore {name!r} in {directory} (there: {known}); make one with `comitia account new`")


def read_password(file: Path | None, variable: str | None, prompt: Callable[[], str] | None) -> str:
    """The password from the first source given: a file, the name of an environment variable, a prompt. One newline at
    the end is cut.

    Never from a command line: other users see those.
    """
    if file is not None:
        try:
            return file.read_text().removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise KeystoreError(f"cannot read the password file {file}: {error}") from None
    if variable is not None:
        if variable not in os.environ:
            raise KeystoreError(f"the environment variable {variable} with the keystore's password is not set")
        return os.environ[variable]
    if prompt is not None:
        return prompt()
    raise KeystoreError("the keystore needs a password: give a file or run in a terminal")


def _encrypt(private_key: bytes, password: str, work: int) -> dict[str, Any]:
    from eth_account import Account

    return dict(Account.encrypt(private_key, password, kdf="scrypt", iterations=work))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise KeystoreError(f"cannot read the keystore {path}: {error}") from None
    if not isinstance(data, dict) or not ("crypto" in data or "Crypto" in data):
        raise KeystoreError(f"{path} is no keystore (web3 secret storage)")
    return data


def _address_of(data: Mapping[str, Any]) -> str | None:
    from eth_utils.address import to_checksum_address

    try:
        return str(to_checksum_address(data["address"]))
    except (KeyError, TypeError, ValueError):
        return None
