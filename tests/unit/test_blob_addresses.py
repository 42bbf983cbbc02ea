"""CIDs, and peer addresses as attackers would announce them."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.blobs.cid import decode_cid, encode_cid
from trainer.blobs.peer_address import Reach, parse_peer
from trainer.blobs.peers import choose_neighbours

ED25519 = "12D3KooWDLfE9rYHDvhSrs4r94NB8zsUtD5cYWcP3nkgLyRCbQnc"
RSA = "QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt"


def test_a_cid_that_kubo_wrote() -> None:
    # `printf hello | ipfs block put --cid-codec raw`
    assert (
        encode_cid(hashlib.sha256(b"hello").digest()) == "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
    )


@given(st.binary(min_size=32, max_size=32))
def test_cid_and_digest_are_one_to_one(digest: bytes) -> None:
    assert decode_cid(encode_cid(digest)) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        RSA,  # version 0
        "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",  # a dag-pb root
        "BAFKREIBM6JG3UX5QUMHCN2B3FLC3TYU6DMLB4XA7U5BF44YEGNRJHC4YEQ",
        "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yer",  # bits that are not used set
        "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4y1q",
        "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yéq",
    ],
)
def test_other_cids_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no CIDv1"):
        decode_cid(text)


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("ip4/5.6.7.8", Reach.PUBLIC),
        ("ip6/2a00:1450:4001:80e::200e", Reach.PUBLIC),
        ("ip4/10.1.2.3", Reach.PRIVATE),
        ("ip4/172.16.0.1", Reach.PRIVATE),
        ("ip4/192.168.1.1", Reach.PRIVATE),
        ("ip4/100.64.0.1", Reach.PRIVATE),
        ("ip4/169.254.169.254", Reach.PRIVATE),  # what clouds answer secrets at
        ("ip6/fd00::1", Reach.PRIVATE),
        ("ip6/fe80::1", Reach.PRIVATE),
        ("ip6/::ffff:10.0.0.1", Reach.PRIVATE),
        ("ip4/127.0.0.1", Reach.LOOPBACK),
        ("ip4/127.8.8.8", Reach.LOOPBACK),
        ("ip6/::1", Reach.LOOPBACK),
        ("ip6/::ffff:127.0.0.1", Reach.LOOPBACK),
    ],
)
def test_only_public_addresses_off_devnets(host: str, reach: Reach) -> None:
    text = f"/{host}/tcp/4001/p2p/{ED25519}"
    peer = parse_peer(text, allow_private=True)
    assert (peer.text, peer.peer_id, peer.reach) == (text, ED25519, reach)
    if reach is Reach.PUBLIC:
        assert parse_peer(text, allow_private=False) == peer
    else:
        with pytest.raises(ValueError, match="no public address"):
            parse_peer(text, allow_private=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        f"/ip4/5.6.7.8/tcp/4001/p2p/{ED25519}/",
        f" /ip4/5.6.7.8/tcp/4001/p2p/{ED25519}",
        f"/ip4/5.6.7.8/tcp/4001/p2p/{ED25519}\n",
        f"/ip4/5.6.7.8/tcp/4001/p2p/{ED25519}?arg=/ip4/127.0.0.1",
        f"/ip4/5.6.7.8/tcp/0/p2p/{ED25519}",
        f"/ip4/5.6.7.8/tcp/65536/p2p/{ED25519}",
        f"/ip4/5.6.7.8/tcp/04001/p2p/{ED25519}",
        f"/ip4/5.6.7.8/udp/4001/quic-v1/p2p/{ED25519}",
        f"/ip4/5.6.7.8/tcp/4001/ws/p2p/{ED25519}",
        f"/ip4/5.6.7.8/tcp/4001/p2p/{ED25519}/p2p-circuit/p2p/{ED25519}",
        f"/dns4/localhost/tcp/4001/p2p/{ED25519}",
        f"/dnsaddr/example.org/p2p/{ED25519}",
        f"/unix/run/docker.sock/p2p/{ED25519}",
        f"/ip4/5.6.7/tcp/4001/p2p/{ED25519}",
        f"/ip4/5.6.7.08/tcp/4001/p2p/{ED25519}",
        f"/ip4/::1/tcp/4001/p2p/{ED25519}",
        f"/ip4/0.0.0.0/tcp/4001/p2p/{ED25519}",
        f"/ip4/255.255.255.255/tcp/4001/p2p/{ED25519}",
        f"/ip4/224.0.0.1/tcp/4001/p2p/{ED25519}",
        f"/ip4/240.0.0.1/tcp/4001/p2p/{ED25519}",
        f"/ip6/::/tcp/4001/p2p/{ED25519}",
        f"/ip6/ff02::1/tcp/4001/p2p/{ED25519}",
        f"/ip6/fe80::1%eth0/tcp/4001/p2p/{ED25519}",
        f"/ip6/64:ff9b::a00:1/tcp/4001/p2p/{ED25519}",  # 10.0.0.1 behind NAT64
        f"/ip6/2002:a00:1::/tcp/4001/p2p/{ED25519}",  # 10.0.0.1 as 6to4
        f"/ip6/::10.0.0.1/tcp/4001/p2p/{ED25519}",
        "/ip4/5.6.7.8/tcp/4001",
        "/ip4/5.6.7.8/tcp/4001/p2p/",
        f"/ip4/5.6.7.8/tcp/4001/p2p/{ED25519[:-1]}",
        f"/ip4/5.6.7.8/tcp/4001/p2p/{ED25519}1",
        f"/ip4/5.6.7.8/tcp/4001/p2p/{ED25519[:-1]}0",
        "/ip4/5.6.7.8/tcp/4001/p2p/" + "z" * 52,
        "/ip4/5.6.7.8/tcp/4001/p2p/" + "1" * 46,
        "/ip4/5.6.7.8/tcp/4001/p2p/" + "é" * 50,
        "/ip4/" + "9" * 100_000,
    ],
)
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_peer(text, allow_private=True)
    assert len(str(caught.value)) < 250  # goes into a log


def test_both_kinds_of_peer_id() -> None:
    for peer_id in (ED25519, RSA):
        assert parse_peer(f"/ip4/5.6.7.8/tcp/4001/p2p/{peer_id}", allow_private=False).peer_id == peer_id


@given(st.text(max_size=300))
def test_garbage_raises_nothing_but_value_error(text: str) -> None:
    for candidate in (text, f"/ip4/{text}/tcp/4001/p2p/{ED25519}", f"/ip6/5::1/tcp/1/p2p/{text}"):
        with contextlib.suppress(ValueError):
            parse_peer(candidate, allow_private=True)


@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 64, 256])
def test_neighbours_connect_everybody_with_few_dials(count: int) -> None:
    seats = [3 * index for index in range(count)]  # ids of seats have gaps
    edges = {seat: set(choose_neighbours(seat, seats)) for seat in seats}
    assert all(seat not in neighbours for seat, neighbours in edges.items())
    assert all(len(neighbours) <= (15 if count <= 16 else 8) for neighbours in edges.values())
    reached, new = {seats[0]}, {seats[0]}
    hops = 0
    while new:
        new = {b for a in new for b in edges[a]} | {a for a in seats if edges[a] & new}
        new -= reached
        reached |= new
        hops += bool(new)
    assert reached == set(seats)
    assert hops <= 4
