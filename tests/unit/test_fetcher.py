"""The background fetcher on a store made for the test: who gets a turn, what is reported, what is called off."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from trainer.blobs.fetcher import Fetched, Fetcher
from trainer.blobs.kubo import KuboStore
from trainer.blobs.store import Cancel, Want, WrongSize
from trainer.config import BLOBS
from trainer.errors import BlobError, UnreachableError
from trainer.protocol.constants import MAX_BLOB_BYTES

QUICK = replace(BLOBS, first_wait=0.05, longest_wait=0.05, seconds_per_byte=0.0, pause=0.001)


def digest_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


class FakeStore(KuboStore):
    """Answers from a table; a missing blob takes the whole wait, as with Kubo."""

    def __init__(self) -> None:
        super().__init__("/ip4/127.0.0.1/tcp/1", QUICK)
        self.blobs: dict[bytes, bytes] = {}
        self.errors: dict[bytes, Exception] = {}
        self.asked: list[bytes] = []
        self.reconnects: list[str] = []
        self.pinned: dict[bytes, str] = {}
        self.repeats_hang = False
        self.busy = 0
        self.most_busy = 0
        self.lock = threading.Lock()

    def try_get(self, digest: bytes, size: int | None, wait: float, cancel: Cancel | None = None) -> bytes | None:
        with self.lock:
            if self.repeats_hang and digest in self.asked:
                wait = 30.0
            self.asked.append(digest)
            self.busy += 1
            self.most_busy = max(self.busy, self.most_busy)
        try:
            end = time.monotonic() + wait
            while time.monotonic() < end and not (cancel is not None and cancel.is_set()):
                if digest in self.errors:
                    raise self.errors[digest]
                if digest in self.blobs:
                    return self.blobs[digest]
                time.sleep(0.001)
            return None
        finally:
            with self.lock:
                self.busy -= 1

    def pin(self, digest: bytes, name: str = "") -> None:
        self.pinned[digest] = name

    def reconnect(self, peer: str) -> None:
        self.reconnects.append(peer)


@contextmanager
def fetching() -> Iterator[tuple[FakeStore, Fetcher]]:
    store = FakeStore()
    with Fetcher(store, QUICK) as fetcher:
        yield store, fetcher


def collect(fetcher: Fetcher, done: Callable[[list[Fetched]], bool], seconds: float = 10.0) -> list[Fetched]:
    found: list[Fetched] = []
    end = time.monotonic() + seconds
    while not done(found):
        assert time.monotonic() < end, found
        found += fetcher.poll()
        time.sleep(0.001)
    return found


def settle(store: FakeStore) -> None:
    """Wait until every thread that can be busy hangs."""
    seen, since = (0, 0), time.monotonic()
    while time.monotonic() - since < 0.3:
        if seen != (now := (store.busy, len(store.asked))):
            seen, since = now, time.monotonic()
        time.sleep(0.001)


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


def test_each_blob_is_reported_once_and_pinned_before() -> None:
    with fetching() as (store, fetcher):
        names = [f"blob {index}" for index in range(100)]
        for name in names:
            fetcher.want(digest_of(name), 7, soon(), pin_name="run/1")
            fetcher.want(digest_of(name), 7, soon(), pin_name="run/1")
        store.blobs.update((digest_of(name), name.encode()) for name in names)
        found = collect(fetcher, lambda found: len(found) == 100)
        assert {each.data for each in found} == {name.encode() for name in names}
        assert set(store.pinned) == {digest_of(name) for name in names}
        assert fetcher.poll() == []
        assert fetcher.get_pending() == set()
        assert store.most_busy <= BLOBS.fetches_at_once


def test_blobs_that_nobody_holds_do_not_keep_others_waiting() -> None:
    """An attacker with many seats commits to blobs that it never publishes."""
    with fetching() as (store, fetcher):
        store.repeats_hang = True  # late requests are the longest
        for index in range(300):
            fetcher.want(digest_of(f"missing {index}"), 5, soon())
        collect(fetcher, lambda _: len(store.asked) >= 300 + QUICK.repeats_at_once)  # all had their first turn
        settle(store)
        store.blobs[digest_of("good")] = b"good!"
        wanted = time.monotonic()
        fetcher.want(digest_of("good"), 5, soon())
        found = collect(fetcher, bool)
        assert [each.data for each in found] == [b"good!"]
        assert found[0].requests == 1
        assert time.monotonic() - wanted < 2
        assert store.most_busy <= BLOBS.fetches_at_once


def test_two_wants_at_once_do_not_wait_for_one_thread() -> None:
    store = FakeStore()
    with Fetcher(store, replace(QUICK, first_wait=20.0, longest_wait=20.0)) as fetcher:
        for index in range(10):
            store.blobs[digest_of(f"{index}")] = store.blobs[digest_of(f"first {index}")] = b"good!"
            fetcher.want(digest_of(f"first {index}"), 5, soon())
            collect(fetcher, bool)  # its thread is idle now
            fetcher.want(digest_of(f"missing {index}"), 5, soon())
            fetcher.want(digest_of(f"{index}"), 5, soon())
            assert collect(fetcher, bool, 2.0)[0].data == b"good!"


def test_everybody_gets_a_turn_again() -> None:
    with fetching() as (store, fetcher):
        for index in range(64):
            fetcher.want(digest_of(f"late {index}"), 5, soon())
        collect(fetcher, lambda _: len(store.asked) > 200)
        for index in range(64):
            store.blobs[digest_of(f"late {index}")] = b"here!"
        assert all(each.data for each in collect(fetcher, lambda found: len(found) == 64))


def test_a_deadline_is_told_even_where_no_thread_had_time() -> None:
    store = FakeStore()
    with Fetcher(store, replace(QUICK, first_wait=20.0, longest_wait=20.0)) as fetcher:
        for index in range(40):
            fetcher.want(digest_of(f"long {index}"), 5, soon())
        collect(fetcher, lambda _: store.busy == BLOBS.fetches_at_once)
        started = time.monotonic()
        for index in range(200):
            fetcher.want(digest_of(f"missing {index}"), 5, started + 0.3)
        found = collect(fetcher, lambda found: len(found) == 200)
        assert 0.3 <= time.monotonic() - started < 2
        assert all(each.data is None and "not held yet" in each.problem for each in found)
        assert store.pinned == {}


def test_a_later_deadline_counts() -> None:
    with fetching() as (store, fetcher):
        fetcher.want(digest_of("a"), 1, time.monotonic() + 0.1)
        fetcher.want(digest_of("a"), 1, soon())
        collect(fetcher, lambda _: len(store.asked) > 4)
        assert fetcher.get_pending() == {digest_of("a")}
        store.blobs[digest_of("a")] = b"a"
        assert collect(fetcher, bool)[0].data == b"a"


def test_what_can_never_come_is_told_at_once() -> None:
    with fetching() as (store, fetcher):
        store.errors[digest_of("a")] = WrongSize("another length")
        fetcher.want(digest_of("a"), 1, soon())
        found = collect(fetcher, bool)[0]
        assert (found.data, found.problem) == (None, "another length")


def test_a_daemon_that_is_away_is_asked_again() -> None:
    with fetching() as (store, fetcher):
        store.errors[digest_of("a")] = UnreachableError("no daemon")
        fetcher.want(digest_of("a"), 1, soon())
        fetcher.want(digest_of("b"), 1, time.monotonic() + 0.2)
        store.errors[digest_of("b")] = UnreachableError("no daemon")
        assert "no daemon" in collect(fetcher, bool)[0].problem
        del store.errors[digest_of("a")]
        store.blobs[digest_of("a")] = b"a"
        assert collect(fetcher, bool)[0].data == b"a"


def test_the_author_is_dialled_anew_from_the_second_failure_on() -> None:
    with fetching() as (store, fetcher):
        fetcher.want(digest_of("a"), 1, soon(), author="peer")
        collect(fetcher, lambda _: len(store.asked) >= 2)
        assert store.asked[:2] == [digest_of("a")] * 2
        collect(fetcher, lambda _: len(store.reconnects) >= 2)
        assert len(store.asked) >= BLOBS.reconnect_after + 1


def test_what_is_cancelled_is_not_reported_and_frees_its_thread() -> None:
    with fetching() as (store, fetcher):
        digests = [digest_of(f"missing {index}") for index in range(100)]
        for digest in digests:
            fetcher.want(digest, 5, soon())
        fetcher.cancel(digests)
        assert fetcher.get_pending() == set()
        store.blobs[digests[0]] = b"again"
        fetcher.want(digests[0], 5, soon())
        assert [each.data for each in collect(fetcher, bool)] == [b"again"]


def test_closing_ends_all_threads() -> None:
    before = threading.active_count()
    with fetching() as (_, fetcher):
        for index in range(100):
            fetcher.want(digest_of(f"missing {index}"), 5, soon())
        assert threading.active_count() > before
        closed = time.monotonic()
    assert time.monotonic() - closed < 2
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        fetcher.want(digest_of("a"), 1, soon())


def test_waits_grow_and_end_at_the_deadline() -> None:
    want = Want(bytes(32), MAX_BLOB_BYTES, 100.0)
    waits = []
    for failures in range(8):
        want.failures = failures
        waits.append(want.compute_wait(0.0))
    assert waits[0] == pytest.approx(3.1, abs=0.1)  # a megabyte at a third of 1 MB/s
    assert waits[1] == pytest.approx(2 * waits[0])
    assert waits[-1] == BLOBS.longest_wait
    assert want.compute_wait(99.5) == pytest.approx(0.5)
    assert Want(bytes(32), 1, 100.0).compute_wait(0.0) == BLOBS.first_wait
    want.failures = 10**9
    assert want.compute_wait(0.0) == BLOBS.longest_wait


def test_get_stops_at_cancel_and_at_the_deadline() -> None:
    store = FakeStore()
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(BlobError, match="cancelled"):
        store.get(digest_of("a"), 1, soon(), cancel)
    started = time.monotonic()
    with pytest.raises(BlobError, match="not held yet"):
        store.get(digest_of("a"), 1, started + 0.2)
    assert 0.2 <= time.monotonic() - started < 1
    with pytest.raises(BlobError):
        store.get(digest_of("a"), 1, started)  # over before it began
