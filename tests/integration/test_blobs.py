"""Blobs on real Kubo daemons: private swarms on loopback, each test's ports chosen by the system."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.proxy import Proxy
from tests.integration.waiting import is_running, until
from trainer.blobs import doctor
from trainer.blobs.cid import encode_cid
from trainer.blobs.daemon import KuboDaemon, make_swarm_key
from trainer.blobs.fetcher import Fetched, Fetcher
from trainer.blobs.kubo import KuboStore
from trainer.blobs.peers import PeerKeeper
from trainer.blobs.store import WrongSize
from trainer.config import BLOBS
from trainer.errors import BlobError, LockedError, UnreachableError, UsageError
from trainer.protocol.constants import MAX_BLOB_BYTES

pytestmark = pytest.mark.kubo

KEY = make_swarm_key()
SMALL = 14_000
_random = random.Random(20261124)


def make_blob(size: int = SMALL) -> bytes:
    return _random.randbytes(size)


def digest_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


Start = Callable[..., KuboDaemon]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts daemons of one swarm, by name; they are killed at the end."""
    with ExitStack() as stack:

        def start_one(name: str, key: str = KEY) -> KuboDaemon:
            daemon = KuboDaemon(tmp_path / name, key, name=name)
            stack.callback(lambda: daemon.is_alive and daemon.kill())
            return daemon.start()

        yield start_one


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KuboDaemon, KuboDaemon]]:
    """Two connected daemons for tests that leave them as they were."""
    home = tmp_path_factory.mktemp("pair")
    with KuboDaemon(home / "a", KEY, name="a") as a, KuboDaemon(home / "b", KEY, name="b") as b:
        assert b.store.connect([a.peer]) == {a.peer: None}
        yield a, b


Pair = tuple[KuboDaemon, KuboDaemon]


# ---------------------------------------------------------------------- put and get


@pytest.mark.parametrize("size", [1, SMALL, MAX_BLOB_BYTES])
def test_a_blob_goes_from_one_daemon_to_another(pair: Pair, size: int) -> None:
    a, b = pair
    data = make_blob(size)
    digest = a.store.put(data)
    assert digest == digest_of(data)
    assert b.store.get(digest, size, soon()) == data


def test_a_document_of_unknown_length_is_had_too(pair: Pair) -> None:
    a, b = pair
    data = make_blob(3_333)
    assert b.store.get(a.store.put(data), None, soon()) == data


def test_a_proxy_of_the_environment_is_not_for_the_daemon(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert pair[0].store.get_version().startswith("0.43.")


def test_the_same_bytes_twice_are_one_blob(pair: Pair) -> None:
    store = pair[0].store
    data = make_blob()
    assert store.put(data, "first/01") == store.put(data, "second/01")
    assert store.pins("second/") == {digest_of(data): "second/01"}


def test_pins_by_prefix_and_unpin_and_drop(pair: Pair) -> None:
    store = pair[0].store
    first, second = make_blob(), make_blob()
    store.put(first, "run8/00000010")
    store.put(second, "run8/00000100")
    assert store.pins("run8/00000010") == {digest_of(first): "run8/00000010"}
    assert set(store.pins("run8/")) == {digest_of(first), digest_of(second)}
    store.unpin(digest_of(first))
    store.unpin(digest_of(first))  # nothing to do is no error
    assert set(store.pins("run8/")) == {digest_of(second)}
    assert store.has(digest_of(first))
    store.drop(digest_of(second))
    assert not store.has(digest_of(second))
    assert store.pins("run8/") == {}


def test_a_fetched_blob_is_pinned_by_who_wants_to_keep_it(pair: Pair) -> None:
    a, b = pair
    data = make_blob()
    digest = a.store.put(data)
    with pytest.raises(BlobError, match="not held here"):
        b.store.pin(digest)  # and does not go and look for it
    b.store.get(digest, SMALL, soon())
    b.store.pin(digest, "kept/1")
    assert b.store.pins("kept/") == {digest: "kept/1"}


def test_has_asks_nobody_else(pair: Pair) -> None:
    a, b = pair
    data = make_blob()
    digest = a.store.put(data)
    assert a.store.has(digest)
    assert a.store.has(digest, SMALL)
    assert not a.store.has(digest, SMALL + 1)
    started = time.monotonic()
    assert not b.store.has(digest)  # although a connected peer has it
    assert time.monotonic() - started < 1
    b.store.get(digest, SMALL, soon())
    assert b.store.has(digest)


# ---------------------------------------------------------------------- what cannot be had


def test_a_missing_blob_is_given_up_at_the_deadline_and_not_before(pair: Pair) -> None:
    started = time.monotonic()
    with pytest.raises(BlobError, match="not held yet") as caught:
        pair[1].store.get(digest_of(make_blob()), SMALL, started + 2.5)
    assert 2.5 <= time.monotonic() - started < 3.5
    assert not isinstance(caught.value, WrongSize)


def test_a_blob_added_after_the_request_arrives_at_once(pair: Pair) -> None:
    a, b = pair
    data = make_blob()
    with Fetcher(b.store) as fetcher:
        fetcher.want(digest_of(data), SMALL, soon())
        until(lambda: encode_cid(digest_of(data)) in get_wantlist(b), "the request is under way")
        added = time.monotonic()
        a.store.put(data)
        found = collect(fetcher, 1)[0]
        assert found.data == data
        assert time.monotonic() - added < 1.0


def test_a_fetch_can_be_called_off_while_it_waits(pair: Pair) -> None:
    cancel = threading.Event()
    digest = digest_of(make_blob())
    problem: list[BlobError] = []

    def fetch() -> None:
        try:
            pair[1].store.get(digest, MAX_BLOB_BYTES, soon(60), cancel)
        except BlobError as error:
            problem.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    until(lambda: encode_cid(digest) in get_wantlist(pair[1]), "the request is under way")
    cancelled = time.monotonic()
    cancel.set()
    thread.join(5)
    assert time.monotonic() - cancelled < 1
    assert "cancelled" in str(problem[0])
    until(lambda: encode_cid(digest) not in get_wantlist(pair[1]), "the daemon wants it no longer", 5)


def test_another_length_than_announced_is_told_at_once(pair: Pair) -> None:
    a, b = pair
    digest = a.store.put(make_blob())
    started = time.monotonic()
    for size in (1, SMALL - 1, SMALL + 1, MAX_BLOB_BYTES):
        with pytest.raises(WrongSize):
            b.store.get(digest, size, soon())
    assert time.monotonic() - started < 3


def test_a_size_above_the_limit_is_refused_before_anything_is_asked(pair: Pair) -> None:
    store = KuboStore("/ip4/127.0.0.1/tcp/1")  # nobody there: a request would fail in another way
    for size in (0, -1, MAX_BLOB_BYTES + 1, 10**15):
        with pytest.raises(ValueError, match="a blob has"):
            store.get(bytes(32), size, soon())
    for data in (b"", bytes(MAX_BLOB_BYTES + 1)):
        with pytest.raises(ValueError, match="a blob has"):
            store.put(data)
    with pytest.raises(ValueError, match="32 bytes"):
        store.get(bytes(31), SMALL, soon())


def test_a_block_above_the_limit_is_never_a_blob(pair: Pair) -> None:
    a, b = pair
    data = make_blob(MAX_BLOB_BYTES + 1)
    put_raw(a, data)
    for size in (MAX_BLOB_BYTES, None):
        with pytest.raises(WrongSize, match="longer"):
            b.store.get(digest_of(data), size, soon())


@pytest.mark.parametrize("damage", [b"", b"short", None], ids=["empty", "short", "flipped"])
def test_a_copy_damaged_on_disk_is_replaced(start: Start, damage: bytes | None) -> None:
    a, b = start("a"), start("b")
    b.store.connect([a.peer])
    data = make_blob()
    digest = a.store.put(data)
    b.store.get(digest, SMALL, soon())
    b.store.pin(digest, "kept")
    (file,) = [path for path in (b.repo / "blocks").rglob("*.data") if path.read_bytes() == data]
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:] if damage is None else damage)
    assert b.store.get(digest, SMALL, soon()) == data
    assert file.read_bytes() == data


class Impostor:
    """An HTTP server in the place of Kubo's API that gives this answer to whatever is asked, then holds its breath."""

    def __init__(self, answer: bytes, *, closes: bool) -> None:
        self._answer = answer
        self._closes = closes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.api = f"/ip4/127.0.0.1/tcp/{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                client, _ = self._listener.accept()
                client.recv(65536)
                client.sendall(self._answer)
                if self._closes:
                    client.close()
                else:
                    self._open.append(client)
        except OSError:
            return

    def __enter__(self) -> Impostor:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for client in self._open:
            client.close()


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "closes"),
    [
        (HEAD + b"4\r\nabcd\r\n0\r\n\r\n", True),  # a time-out in the daemon looks like this: 200, and short
        (HEAD + b"4\r\nabcd\r\n", False),  # stops in the middle
        (HEAD + b"4\r\nabcd\r\n", True),  # killed in the middle
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabcd", False),
        (b"", False),
    ],
    ids=["short", "stalled", "cut", "stalled-length", "silent"],
)
def test_a_short_answer_is_never_more_than_not_held(answer: bytes, closes: bool) -> None:
    with Impostor(answer, closes=closes) as impostor:
        started = time.monotonic()
        with pytest.raises((BlobError, UnreachableError)) as caught:
            KuboStore(impostor.api).get(digest_of(b"x"), 100, started + 0.8)
        assert not isinstance(caught.value, WrongSize)
        assert 0.8 <= time.monotonic() - started < 3


def test_an_endless_answer_is_cut_off_and_short_of_memory(pair: Pair) -> None:
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with Impostor(HEAD + chunk * 40, closes=False) as impostor, pytest.raises(WrongSize):
        KuboStore(impostor.api).get(digest_of(b"x"), 100, soon(5))


def test_a_stranger_at_the_api_address_is_named(pair: Pair) -> None:
    with Impostor(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", closes=True) as impostor:
        with pytest.raises(UnreachableError, match="does not answer"):
            KuboStore(impostor.api).put(b"x")
        with pytest.raises(BlobError, match="does not answer"):
            KuboStore(impostor.api).get(bytes(32), 1, soon(0.5))


# ---------------------------------------------------------------------- holders that stall, daemons that die


def test_a_holder_that_stalls_in_mid_block_does_not_keep_another_from_serving(start: Start) -> None:
    staller, other, reader = start("staller"), start("other"), start("reader")
    data = make_blob(200_000)
    digest = staller.store.put(data)
    other.store.put(data)
    with Proxy(staller.peer) as proxy, Fetcher(reader.store) as fetcher:
        assert reader.store.connect([proxy.address]) == {proxy.address: None}
        proxy.stall_after(60_000)
        asked = time.monotonic()
        fetcher.want(digest, len(data), soon(30), author=proxy.address)
        assert proxy.stalled.wait(10), "the staller was not asked"
        assert reader.store.connect([other.peer]) == {other.peer: None}
        assert collect(fetcher, 1)[0].data == data
        assert time.monotonic() - asked < 5


def test_an_author_whose_connection_is_dead_is_dialled_anew(start: Start) -> None:
    author, reader = start("author"), start("reader")
    data = make_blob(200_000)
    digest = author.store.put(data)
    with Proxy(author.peer) as proxy:
        reader.store.connect([proxy.address])
        proxy.stall_after(60_000)
        # As the chain would name it: not through the proxy. Only a new connection brings the blob.
        assert reader.store.get(digest, len(data), soon(15), author=author.peer) == data
        assert proxy.stalled.is_set()


def test_a_daemon_killed_in_the_middle_of_a_fetch_is_used_again_when_it_is_back(start: Start) -> None:
    a, b = start("a"), start("b")
    data = make_blob()
    with Fetcher(b.store) as fetcher, PeerKeeper(b.store, allow_private=True) as peers:
        peers.set_wanted([a.peer])
        fetcher.want(digest_of(data), SMALL, soon(30), author=a.peer, pin_name="kept")
        until(lambda: encode_cid(digest_of(data)) in get_wantlist(b), "the request is under way")
        b.kill()
        a.store.put(data)
        assert fetcher.poll() == []
        b.start()
        assert collect(fetcher, 1)[0].data == data
        assert b.store.pins("kept") == {digest_of(data): "kept"}


def test_kill_and_restart_keep_blobs_pins_identity_and_ports(start: Start) -> None:
    daemon = start("a")
    api, peer, data = daemon.api, daemon.peer, make_blob()
    daemon.store.put(data, "kept")
    for _ in range(3):
        daemon.kill()
        with pytest.raises(UnreachableError, match="does not answer"):
            daemon.store.put(data)
        daemon.start()
        assert (daemon.api, daemon.peer) == (api, peer)
        assert daemon.store.pins("kept") == {digest_of(data): "kept"}
        assert daemon.store.get(digest_of(data), SMALL, soon(2)) == data


def test_a_port_that_was_taken_meanwhile_is_chosen_anew(start: Start) -> None:
    daemon = start("a")
    api, peer = daemon.api, daemon.peer
    daemon.stop()
    with socket.create_server(("127.0.0.1", int(peer.split("/")[4]))):
        daemon.start()
        assert daemon.peer != peer
        assert daemon.peer_id == peer.rpartition("/")[2]
    daemon.stop()
    with socket.create_server(("127.0.0.1", int(api.split("/")[4]))):
        daemon.start()
        assert daemon.api != api


def test_one_repository_one_daemon(start: Start, tmp_path: Path) -> None:
    first = start("a")
    with pytest.raises(LockedError, match="already"):
        KuboDaemon(tmp_path / "a", KEY).start()
    assert first.store.get_version()  # untouched
    first.kill()
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "file").touch()
    with pytest.raises(UsageError, match="neither empty"):
        KuboDaemon(tmp_path / "junk", KEY).start()


def test_a_start_that_was_cut_off_leaves_nothing_half(tmp_path: Path) -> None:
    (tmp_path / "a.new").mkdir()
    (tmp_path / "a.new" / "config").write_text("{")
    with KuboDaemon(tmp_path / "a", KEY) as daemon:
        assert daemon.store.get_peer_ids() == set()


def test_the_address_of_a_dead_daemon_is_another_daemons_by_now(start: Start, tmp_path: Path) -> None:
    living, dead = start("living"), start("dead")
    dead.kill()
    (dead.repo / "api").write_text(living.api)
    assert dead.start().api != living.api


# ---------------------------------------------------------------------- peers


def test_peers_are_reconciled_after_either_side_restarts(start: Start) -> None:
    a, b = start("a"), start("b")
    settings = replace(BLOBS, reconcile_every=0.2)
    with PeerKeeper(b.store, allow_private=True, settings=settings) as peers:
        assert peers.set_wanted([a.peer, b.peer]) == {}  # oneself is no peer
        until(lambda: peers.get_connections().connected == {a.peer_id}, "connected")
        assert b.store.get_protected() == {a.peer_id}
        a.kill()
        until(lambda: not peers.get_connections().connected, "the loss is seen")
        until(lambda: peers.get_connections().problems, "why is told")
        a.start()
        until(lambda: peers.get_connections().connected == {a.peer_id}, "connected again")
        b.kill()
        until(lambda: "not answer" in str(peers.get_connections().problems), "the own daemon is missed")
        b.start()
        until(lambda: peers.get_connections().connected == {a.peer_id}, "connected after the own restart")
        assert b.store.get_protected() == {a.peer_id}
        peers.set_wanted([])
        until(lambda: b.store.get_protected() == set(), "no longer protected")


def test_a_peer_without_our_swarm_key_stays_outside(start: Start) -> None:
    ours, stranger = start("ours"), start("stranger", make_swarm_key())
    problem = ours.store.connect([stranger.peer])[stranger.peer]
    assert problem is not None
    assert ours.store.get_peer_ids() == set()


def test_dials_are_parallel_and_bounded(pair: Pair) -> None:
    """Eight addresses where somebody accepts and says nothing, and one that lives."""
    a, b = pair
    with ExitStack() as stack:
        mute = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(8)]
        ids = [b"\x00\x24\x08\x01\x12\x20" + bytes([index]) * 32 for index in range(8)]
        silent = [
            f"/ip4/127.0.0.1/tcp/{server.getsockname()[1]}/p2p/{base58(raw)}"
            for server, raw in zip(mute, ids, strict=True)
        ]
        started = time.monotonic()
        answers = b.store.connect([*silent, a.peer])
        assert time.monotonic() - started < 8
        assert answers[a.peer] is None
        assert all(answers[address] for address in silent)


def test_garbage_addresses_are_refused(pair: Pair) -> None:
    a, b = pair
    keeper = PeerKeeper(b.store, allow_private=True)
    garbage = [
        "",
        "garbage",
        "/ip4/127.0.0.1/tcp/4001",
        a.peer + "/p2p-circuit",
        a.peer + "\n",
        a.peer.replace("/tcp/", "/udp/"),
        "/dns4/example.org/tcp/4001/p2p/" + a.peer_id,
        "/ip4/127.0.0.1/tcp/4001/p2p/" + "1" * 52,
        "/ip4/0.0.0.0/tcp/4001/p2p/" + a.peer_id,
        "/ip4/127.0.0.1/tcp/4001/p2p/" + a.peer_id + "x" * 300,
    ]
    refused = keeper.set_wanted([*garbage, a.peer])
    assert set(refused) == set(garbage)
    assert keeper.reconcile().wanted == {a.peer_id}
    assert PeerKeeper(b.store, allow_private=False).set_wanted([a.peer]) == {a.peer: "127.0.0.1 is no public address"}
    for text in garbage:
        assert b.store.connect([text])[text], text
        b.store.reconnect(text)
    assert b.store.get_peer_ids() == {a.peer_id}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_false_address_for_anothers_peer_id_cuts_nobody_off(
    start: Start, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    victim, b = start("victim"), start("b")
    false = "/ip4/127.0.0.1/tcp/1/p2p/" + victim.peer_id
    peers = PeerKeeper(b.store, allow_private=True)
    assert peers.set_wanted([false, victim.peer] if is_first else [victim.peer, false]) == {}
    assert peers.reconcile().connected == {victim.peer_id}
    assert peers.get_connections().problems == {}
    # Blobs that the liar never delivers lead to new connections to "it": to a place that works, and not all the time.
    calls: list[str] = []
    call = b.store._call
    monkeypatch.setattr(b.store, "_call", lambda path, *a, **k: (calls.append(path), call(path, *a, **k))[1])
    for _ in range(3):
        b.store.reconnect(false)
        assert b.store.get_peer_ids() == {victim.peer_id}
    assert calls.count("/swarm/disconnect") == 1


# ---------------------------------------------------------------------- settings


def test_our_daemons_have_nothing_to_find(pair: Pair) -> None:
    assert doctor.check(pair[0].store) == []


def test_no_daemon_of_ours_listens_to_others_or_complains(start: Start) -> None:
    daemon = start("a")
    ports = {int(part) for part in (daemon.api.split("/")[4], daemon.peer.split("/")[4])}
    assert {(host, port) for host, port in get_listeners(daemon.pid)} == {("127.0.0.1", port) for port in ports}
    daemon.stop()
    log = daemon.log.read_text()
    assert "ERROR" not in log
    assert (daemon.repo / "swarm.key").stat().st_mode & 0o777 == 0o600
    assert (daemon.repo / "config").stat().st_mode & 0o777 == 0o600


def test_a_daemon_stops_in_time_and_leaves_no_process(start: Start) -> None:
    daemon = start("a")
    pid = daemon.pid
    started = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - started < 5
    assert not is_running(pid)


# ---------------------------------------------------------------------- helpers


def collect(fetcher: Fetcher, count: int, seconds: float = 20.0) -> list[Fetched]:
    found: list[Fetched] = []

    def poll() -> bool:
        found.extend(fetcher.poll())
        return len(found) >= count

    until(poll, f"{count} blobs", seconds)
    return found


def get_wantlist(daemon: KuboDaemon) -> set[str]:
    keys = daemon.store._call("/bitswap/wantlist")["Keys"] or []
    return {key["/"] for key in keys}


def put_raw(daemon: KuboDaemon, data: bytes) -> None:
    import io

    from ipfshttpclient.multipart import stream_files

    body, headers = stream_files(io.BytesIO(data), chunk_size=1 << 16)
    options = {"cid-codec": "raw", "mhtype": "sha2-256", "allow-big-block": "true"}
    daemon.store._call("/block/put", options=options, data=body, headers=headers)


def base58(raw: bytes) -> str:
    letters, number, text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, 58)
        text = letters[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def get_listeners(pid: int) -> set[tuple[str, int]]:
    """(address, port) of all TCP sockets that a process listens on."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = str(link.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                text = ".".join(str(byte) for byte in reversed(bytes.fromhex(address))) if table == "tcp" else address
                found.add((text, int(port, 16)))
    return found
