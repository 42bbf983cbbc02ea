"""The chain of keys behind a seat's tip (docs/protocol.md, Formats: Keys and seeds).

A seat announces the tip of a sha2-256 chain once; each round's key hashes down to it. The key of a round is thus fixed
before the round is known, so it cannot be ground for a better seed, and it is derived from the operator's key, so there
is nothing to lose with a journal.
"""

from __future__ import annotations

from hashlib import sha256
from math import isqrt

from trainer.protocol.constants import KEYCHAIN_LENGTH
from trainer.protocol.messages import parse_address
from trainer.protocol.sealing import KEY_BYTES, derive_key

KEYCHAIN_TAG = b"comitia.keychain.v1"
# A tip announced in round a serves from a + 2: that seed takes the keys of a + 1, so nobody knows it when choosing.
FIRST_SERVED = 2


def derive_secret(private_key: bytes, chain_id: int, contract: str | bytes, index: int) -> bytes:
    """Secret of chain number `index` of an operator in a run, 32 bytes. `private_key`: the operator's, 32 bytes; the
    result is as secret as it is.
    """
    if len(private_key) != 32:
        raise ValueError(f"a private key has 32 bytes, not {len(private_key)}")
    info = KEYCHAIN_TAG + chain_id.to_bytes(8, "big") + parse_address(contract) + index.to_bytes(4, "big")
    return derive_key(private_key, b"", info)


class KeyChain:
    """Keys 0 .. length of a chain: key n is sha256 applied length - n times to the secret, the tip is key 0.

    Making one takes `length` hashes (about 25 ms for 65,536), a key after that at most sqrt(length).
    """

    def __init__(self, secret: bytes, length: int = KEYCHAIN_LENGTH) -> None:
        if len(secret) != KEY_BYTES or length < 1:
            raise ValueError(f"a chain needs a secret of {KEY_BYTES} bytes and a positive length")
        self.length = length
        self._stride = isqrt(length)
        self._marks = [secret]  # sha256 applied 0, stride, 2 * stride, ... times
        value = secret
        for done in range(1, length + 1):
            value = sha256(value).digest()
            if done % self._stride == 0:
                self._marks.append(value)
        self.tip = value

    def __repr__(self) -> str:
        return f"KeyChain(tip={self.tip.hex()}, length={self.length})"  # never the secret

    def key(self, n: int) -> bytes:
        """Key n, 32 bytes; raises ValueError outside 0 .. length (the chain is used up: announce another)."""
        if not 0 <= n <= self.length:
            raise ValueError(f"key {n} of a chain of {self.length}")
        mark, rest = divmod(self.length - n, self._stride)
        return _hash_times(self._marks[mark], rest)


def compute_round_key(chain: KeyChain, announced: int, round: int) -> bytes:
    """Key of `round` for a chain whose tip was announced in round `announced`; raises ValueError for that round and
    those before.

    The key of the round after it is the tip itself, which is public and valid for nobody: a seat that acts so early
    commits and reveals with it, since a round may wait for its weight, and is not accepted.
    """
    if round <= announced:
        raise ValueError(f"a tip announced in round {announced} does not serve round {round}")
    return chain.key(round - (announced + 1))


def is_valid_key(tip: bytes, announced: int, round: int, key: bytes) -> bool:
    """Whether `key` is the key of `round` for a tip announced in round `announced`: a function of these four alone.

    Takes round - announced hashes. A key k known to be valid in round q is a nearer tip: is_valid_key(k, q - 1, round,
    key) says the same for round > q.
    """
    if round < announced + FIRST_SERVED or len(key) != KEY_BYTES:
        return False
    return _hash_times(key, round - (announced + 1)) == tip


def _hash_times(value: bytes, times: int) -> bytes:
    for _ in range(times):
        value = sha256(value).digest()
    return value
