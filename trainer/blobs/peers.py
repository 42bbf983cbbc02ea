"""Keeps the daemon connected to the peers that the chain names. Kubo's own peering reconnects after 8 to 12 seconds and
backs off to 10 minutes, so it is used for protection only and we dial ourselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainer.blobs.kubo import KuboStore
from trainer.blobs.peer_address import Peer, parse_peer
from trainer.config import BLOBS, BlobSettings
from trainer.errors import ComitiaError
from trainer.protocol.constants import MAX_SEATS


@dataclass(frozen=True)
class Connections:
    """Peer ids after a reconciliation. `problems`: peer id to why its last dial failed."""

    wanted: frozenset[str]
    connected: frozenset[str]
    problems: dict[str, str]


def choose_neighbours(own: int, seats: Sequence[int], settings: BlobSettings = BLOBS) -> list[int]:
    """Which of the seats (ascending ids, own among them) to dial: all while they are few; then those at ring offsets
    1, 3, 7, … from one's own place, about 2·log2(n) connections each with those that come in. Who fetched serves, so
    blobs cross even a line of seats no slower.

    >>> choose_neighbours(5, range(20))
    [6, 8, 12]
    """
    if len(seats) <= settings.full_mesh_seats:
        return [seat for seat in seats if seat != own]
    place = list(seats).index(own)
    offsets = [offset for bits in range(1, 9) if (offset := (1 << bits) - 1) < len(seats)]
    return sorted({seats[(place + offset) % len(seats)] for offset in offsets} - {own})


class PeerKeeper:
    """Wanted peers minus connected ones are dialled, every few seconds by a thread (`start`), or by `reconcile`.

    allow_private: loopback and private addresses too (devnets).
    """

    def __init__(self, store: KuboStore, *, allow_private: bool, settings: BlobSettings = BLOBS) -> None:
        self._store = store
        self._allow_private = allow_private
        self._settings = settings
        self._lock = threading.Lock()  # the wanted peers
        self._pass_lock = threading.Lock()  # one reconciliation at a time
        self._wanted: dict[str, list[Peer]] = {}  # by peer id
        self._protected: set[str] = set()  # by us: a node's owner may protect others
        self._failures: dict[str, tuple[int, float]] = {}  # dials that failed in a row, and when the next is due
        self._problems: dict[str, str] = {}
        self._latest = Connections(frozenset(), frozenset(), {})
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def set_wanted(self, addresses: Iterable[str]) -> dict[str, str]:
        """Replace the wanted peers by these announced addresses. Returns those refused, with the reason; more than 256
        are refused too.

        Of one peer id all are kept and dialled: whoever announces a false address for another's id replaces nothing.
        """
        wanted: dict[str, list[Peer]] = {}
        refused: dict[str, str] = {}
        for count, text in enumerate(dict.fromkeys(addresses)):
            try:
                peer = parse_peer(text, allow_private=self._allow_private)
            except ValueError as error:
                refused[text] = str(error)
                continue
            if count - len(refused) >= MAX_SEATS:
                refused[text] = f"more than {MAX_SEATS} addresses"
                continue
            wanted.setdefault(peer.peer_id, []).append(peer)
        with self._lock:
            self._wanted = wanted
        return refused

    def reconcile(self) -> Connections:
        """One pass: dial who is wanted and missing, at the same time, at most 5 s. Raises UnreachableError."""
        with self._pass_lock:
            with self._lock:
                wanted = dict(self._wanted)
            wanted.pop(self._store.get_peer_id(), None)
            self._protect(wanted)
            now = time.monotonic()
            missing = set(wanted) - self._store.get_peer_ids()
            for peer_id in set(self._failures) - missing:
                del self._failures[peer_id]
                self._problems.pop(peer_id, None)
            due = [peer_id for peer_id in missing if self._is_due(peer_id, now)]
            answers = self._store.connect(peer.text for peer_id in due for peer in wanted[peer_id])
            for peer_id in due:
                problems = [answers[peer.text] for peer in wanted[peer_id]]
                self._note(peer_id, None if None in problems else problems[0])
            connected = self._store.get_peer_ids() & set(wanted)
            self._latest = Connections(frozenset(wanted), frozenset(connected), dict(self._problems))
            return self._latest

    def get_connections(self) -> Connections:
        """The outcome of the latest pass."""
        return self._latest

    def _is_due(self, peer_id: str, now: float) -> bool:
        return peer_id not in self._failures or self._failures[peer_id][1] <= now

    def _note(self, peer_id: str, problem: str | None) -> None:
        if problem is None:
            self._failures.pop(peer_id, None)
            self._problems.pop(peer_id, None)
            return
        count = self._failures.get(peer_id, (0, 0.0))[0] + 1
        # The first few at every pass, as for a peer that restarts; then rarer: an address may be made up.
        pause = min(self._settings.reconcile_every * 2.0 ** max(0, count - 5), self._settings.longest_redial)
        self._failures[peer_id] = (count, time.monotonic() + (0.0 if count < 5 else pause))
        self._problems[peer_id] = problem

    def _protect(self, wanted: dict[str, list[Peer]]) -> None:
        """Once per daemon start: a restart forgets protection, so what is missing is added again."""
        known = self._store.get_protected()
        for peer_id in set(wanted) - known:
            self._store.protect(wanted[peer_id][0].text)
        for peer_id in (self._protected - set(wanted)) & known:
            self._store.unprotect(peer_id)
        self._protected = set(wanted)

    def start(self) -> PeerKeeper:
        """Reconcile every few seconds in a thread until `stop`; a daemon that is away is tried again."""
        self._thread = threading.Thread(target=self._run, name="peers", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread; waits for a dial that is under way (at most about 5 s)."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> PeerKeeper:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        while True:
            try:
                self.reconcile()
            except ComitiaError as error:
                with self._lock:
                    wanted = frozenset(self._wanted)
                self._latest = Connections(wanted, frozenset(), {peer_id: str(error) for peer_id in wanted})
            if self._stop.wait(self._settings.reconcile_every):
                return
