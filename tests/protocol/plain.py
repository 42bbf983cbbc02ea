"""Keccak-256, ChaCha20-Poly1305 and HKDF from their papers, in plain integers: a second opinion on the libraries."""

from __future__ import annotations

import hmac
import struct

MASK64, MASK32 = (1 << 64) - 1, (1 << 32) - 1


def keccak256(data: bytes) -> bytes:
    """Keccak-f[1600] sponge, rate 136, the padding of Ethereum (0x01)."""
    lanes = [0] * 25
    padded = data + b"\x01" + bytes(-(len(data) + 1) % 136)
    padded = padded[:-1] + bytes([padded[-1] | 0x80])
    for start in range(0, len(padded), 136):
        for i, lane in enumerate(struct.unpack("<17Q", padded[start : start + 136])):
            lanes[i] ^= lane
        lanes = _permute(lanes)
    return struct.pack("<4Q", *lanes[:4])


def _rotate(value: int, by: int, width: int) -> int:
    return (value << by | value >> (width - by)) & ((1 << width) - 1) if by else value


def _permute(a: list[int]) -> list[int]:
    register = 1
    for _ in range(24):
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ _rotate(c[(x + 1) % 5], 1, 64) for x in range(5)]
        a = [a[i] ^ d[i % 5] for i in range(25)]
        x, y, moving = 1, 0, a[1]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            a[x + 5 * y], moving = _rotate(moving, (t + 1) * (t + 2) // 2 % 64, 64), a[x + 5 * y]
        a = [a[i] ^ ~a[i - i % 5 + (i + 1) % 5] & a[i - i % 5 + (i + 2) % 5] for i in range(25)]
        for j in range(7):
            if register & 1:
                a[0] ^= 1 << ((1 << j) - 1)
            register = register << 1 ^ (0x171 if register >> 7 else 0)
        a = [lane & MASK64 for lane in a]
    return a


def chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    """One block of key stream (RFC 8439, 2.3): 64 bytes."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", key), counter]
    start += struct.unpack("<3I", nonce)
    s = list(start)
    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(10):
        for a, b, c, d in columns + diagonals:
            for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = (s[x] + s[y]) & MASK32
                s[z] = _rotate(s[z] ^ s[x], by, 32)
    return struct.pack("<16I", *((x + y) & MASK32 for x, y in zip(s, start, strict=True)))


def chacha20_poly1305(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    """RFC 8439, no associated data: ciphertext and tag."""
    stream = b"".join(chacha20_block(key, 1 + i, nonce) for i in range(-(-len(plaintext) // 64)))
    ciphertext = bytes(x ^ y for x, y in zip(plaintext, stream, strict=False))
    one_time = chacha20_block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    mac_data = ciphertext + bytes(-len(ciphertext) % 16) + struct.pack("<QQ", 0, len(ciphertext))
    total = 0
    for i in range(0, len(mac_data), 16):
        total = (total + int.from_bytes(mac_data[i : i + 16], "little") + (1 << 128)) * r % ((1 << 130) - 5)
    tag = (total + int.from_bytes(one_time[16:32], "little")) & ((1 << 128) - 1)
    return ciphertext + tag.to_bytes(16, "little")


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, the first 32 bytes."""
    return hmac.digest(hmac.digest(salt or bytes(32), ikm, "sha256"), info + b"\x01", "sha256")
