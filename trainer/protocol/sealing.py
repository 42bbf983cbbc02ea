"""Sealing a gradient until its key is revealed: exact bytes, no file format (docs/protocol.md, Formats: Sealing).

siv = HMAC(chain key, plaintext) goes into the derivation of the encryption key, so one encryption key seals one
plaintext by construction and the nonce may be zero: a worker that seals again after a crash, even another plaintext,
never repeats a key stream. It also commits to the key: opening under another key than the one sealed with fails for
everybody alike.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trainer.protocol.constants import MAX_BLOB_BYTES, SEAL_OVERHEAD
from trainer.protocol.gradient import plaintext_length

SEAL_TAG = b"comitia.seal.v1"
SIV_BYTES = 32
KEY_BYTES = 32
ZERO_NONCE = bytes(12)


class SealError(Exception):
    """The blob does not open under this key: its seat is no candidate."""


def sealed_length(parameter_count: int) -> int:
    """Bytes of a sealed blob, known before a download: 32 + plaintext + 16."""
    return plaintext_length(parameter_count) + SEAL_OVERHEAD


def seal(plaintext: bytes, key: bytes, *, run_domain: bytes, round: int, seat: int, salt: bytes = b"") -> bytes:
    """Seals `plaintext` under the chain key of `round`; the same arguments give the same bytes.

    key: 32 bytes. run_domain: 32 bytes. salt: group key of a private run; empty in an open run, as the format says.
    """
    siv = hmac.digest(_key(key), plaintext, "sha256")
    cipher = _cipher(key, siv, run_domain=run_domain, round=round, seat=seat, salt=salt)
    return siv + cipher.encrypt(ZERO_NONCE, plaintext, None)


def open_sealed(blob: bytes, key: bytes, *, run_domain: bytes, round: int, seat: int, salt: bytes = b"") -> bytes:
    """The plaintext of `blob`; raises SealError if it was not sealed with exactly these arguments or was changed."""
    if len(blob) < SEAL_OVERHEAD:
        raise SealError(f"a sealed blob has at least {SEAL_OVERHEAD} bytes, not {len(blob)}")
    siv = blob[:SIV_BYTES]
    cipher = _cipher(_key(key), siv, run_domain=run_domain, round=round, seat=seat, salt=salt)
    try:
        plaintext = cipher.decrypt(ZERO_NONCE, blob[SIV_BYTES:], None)
    except InvalidTag:
        raise SealError("the blob was not sealed with this key for this run, round and seat") from None
    if not hmac.compare_digest(hmac.digest(key, plaintext, "sha256"), siv):
        # A sealer may put any 32 bytes first; unchecked, one key stream could then cover two plaintexts.
        raise SealError("the synthetic IV is not that of the plaintext")
    return plaintext


def compute_sealed_digest(blob: bytes) -> bytes:
    """`sealedDigest` of a blob of at most 1 MiB, one raw IPFS block: its sha2-256. Raises ValueError above that."""
    if len(blob) > MAX_BLOB_BYTES:
        raise ValueError(f"a sealed blob has at most {MAX_BLOB_BYTES} bytes, not {len(blob)}")
    return sha256(blob).digest()


def derive_key(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869), 32 bytes; an empty salt means 32 zero bytes, as the RFC has it."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(ikm)


def _cipher(key: bytes, siv: bytes, *, run_domain: bytes, round: int, seat: int, salt: bytes) -> ChaCha20Poly1305:
    if len(run_domain) != 32:
        raise ValueError(f"a run domain has 32 bytes, not {len(run_domain)}")
    info = SEAL_TAG + run_domain + round.to_bytes(4, "big") + seat.to_bytes(2, "big") + siv
    return ChaCha20Poly1305(derive_key(key, salt, info))


def _key(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a chain key has {KEY_BYTES} bytes, not {len(key)}")
    return key
