"""Peer addresses as seats announce them on chain: attackers' input, so one narrow form and nothing else.

`/ip4|ip6/ADDRESS/tcp/PORT/p2p/ID`. No names (a name may lead anywhere, and elsewhere at every look), no relays, no
other transport: a run's swarm is TCP.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import IntEnum

from trainer.protocol.constants import MAX_PEER_BYTES

_FORM = re.compile(r"/ip(4|6)/([0-9a-f:.]{2,45})/tcp/([1-9][0-9]{0,4})/p2p/([1-9A-HJ-NP-Za-km-z]{46,52})")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# multihashes: identity of a protobuf with an Ed25519 public key (12D3KooW…), sha2-256 of a public key (Qm…)
_ID_FORMS = {bytes.fromhex("002408011220"): 38, bytes.fromhex("1220"): 34}
# NAT64, 6to4, Teredo, IPv4-compatible: each carries an IPv4 address that would escape the checks
_EMBEDDING = [
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
]


class Reach(IntEnum):
    """From where an address can be dialled."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2


@dataclass(frozen=True)
class Peer:
    """A checked address: `text` as announced, `peer_id` in base58."""

    text: str
    peer_id: str
    reach: Reach


def parse_peer(text: str, *, allow_private: bool) -> Peer:
    """Check an announced address. allow_private: loopback and private ranges too, for devnets.

    Raises ValueError with the reason.
    """
    if len(text) > MAX_PEER_BYTES:
        raise ValueError(f"a peer address has at most {MAX_PEER_BYTES} bytes")
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"no address of the form /ip4|ip6/ADDRESS/tcp/PORT/p2p/ID: {text[:80]!r}")
    version, host, port, peer_id = match.groups()
    if int(port) > 65_535:
        raise ValueError(f"no port: {port}")
    check_peer_id(peer_id)
    reach = _get_reach(ipaddress.IPv4Address(host) if version == "4" else ipaddress.IPv6Address(host))
    if reach is not Reach.PUBLIC and not allow_private:
        raise ValueError(f"{host} is no public address")
    return Peer(text, peer_id, reach)


def check_peer_id(text: str) -> None:
    """Raises ValueError unless the text is a libp2p peer id in base58."""
    number = 0
    for letter in text:
        digit = _BASE58.find(letter)
        if digit < 0:
            raise ValueError(f"no peer id: {text[:60]!r}")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if not any(raw.startswith(form) and len(raw) == length for form, length in _ID_FORMS.items()):
        raise ValueError(f"no peer id: {text[:60]!r}")


def _get_reach(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Reach:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _get_reach(address.ipv4_mapped)
        if address != ipaddress.IPv6Address("::1") and any(address in network for network in _EMBEDDING):
            raise ValueError(f"{address} stands for another address")
    if address.is_loopback:
        return Reach.LOOPBACK
    if address.is_multicast or address.is_unspecified or address.is_reserved or str(address) == "255.255.255.255":
        raise ValueError(f"{address} is nobody's address")
    # is_global, not is_private: shared (carrier) and documentation ranges are neither
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE
