"""CIDv1 of one raw block under sha2-256, the only kind of CID in the protocol: computed from a digest, never announced.

Source: github.com/multiformats/cid; base32 is RFC 4648 in lower case without padding, after the multibase letter `b`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib

# version 1, codec raw (0x55), hash sha2-256 (0x12), 32 bytes
PREFIX = b"\x01\x55\x12\x20"
CID_LENGTH = 59


def encode_cid(digest: bytes) -> str:
    """The CID of the block whose sha2-256 is `digest` (32 bytes).

    >>> encode_cid(bytes(32))
    'bafkreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
    """
    if len(digest) != 32:
        raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
    return "b" + base64.b32encode(PREFIX + digest).decode("ascii").rstrip("=").lower()


def decode_cid(text: str) -> bytes:
    """The digest in a CID of this kind, in exactly the form that `encode_cid` writes. Raises ValueError."""
    if len(text) == CID_LENGTH and text.isascii() and text.startswith("b"):
        with contextlib.suppress(binascii.Error):
            raw = base64.b32decode(text[1:].upper() + "======")
            if raw.startswith(PREFIX) and encode_cid(raw[4:]) == text:
                return raw[4:]
    raise ValueError(f"no CIDv1 of a raw sha2-256 block: {text[:80]!r}")
