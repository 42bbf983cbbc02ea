"""The worker's blobs: asked for as soon as a commit is seen, verified, pinned, kept until their rounds are over.
Fetching runs beside the rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from trainer.blobs.fetcher import Fetcher
from trainer.blobs.kubo import KuboStore
from trainer.blobs.peer_address import parse_peer
from trainer.blobs.peers import PeerKeeper, choose_neighbours
from trainer.protocol.run_state import RunState

PATIENCE = 30.0  # seconds of one fetch; what is still wanted then is asked for again


class BlobDesk:
    """Sealed blobs of the current rounds by digest. `held` are verified and pinned here: what `haves` promises to
    serve.

    prefix: of the pins' names. size: of every sealed blob, in bytes. report(event, **values): tells what could not be
    had.
    """

    def __init__(
        self, store: KuboStore, prefix: str, size: int, *, allow_private: bool, report: Callable[..., None]
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._size = size
        self._allow_private = allow_private
        self._report = report
        self._fetcher = Fetcher(store)
        self._keeper = PeerKeeper(store, allow_private=allow_private).start()
        self._peers: dict[int, str] = {}
        self._rounds: dict[bytes, int] = {}
        self.blobs: dict[bytes, bytes] = {}

    @property
    def held(self) -> frozenset[bytes]:
        """Digests of the blobs that are here."""
        return frozenset(self.blobs)

    def put(self, blob: bytes, round_id: int) -> bytes:
        """Stores and pins a blob of our own; on disk when it returns. Returns its digest. Raises UnreachableError."""
        digest = self._store.put(blob, self._name(round_id))
        self.blobs[digest], self._rounds[digest] = blob, round_id
        return digest

    def want(self, round_id: int, digests: Mapping[int, bytes]) -> None:
        """Starts to fetch these (seat to digest); what is under way only gets more time."""
        for seat, digest in digests.items():
            self._rounds[digest] = round_id
            deadline = time.monotonic() + PATIENCE
            self._fetcher.want(digest, self._size, deadline, self._get_author(seat), self._name(round_id))

    def collect(self) -> None:
        """Takes what has arrived. What could not be had is "not held yet": the session asks again."""
        for found in self._fetcher.poll():
            if found.data is not None:
                self.blobs[found.digest] = found.data
            else:
                self._report("not held", digest=found.digest.hex()[:16], reason=found.problem, requests=found.requests)

    def keep_peers(self, run: RunState, own: int | None) -> None:
        """Tells the peer keeper which seats to stay connected to, when that changed. own: None for who has no seat."""
        peers = {seat.seat: seat.peer for seat in run.seats.values() if not seat.has_left or seat.seat == own}
        if peers != self._peers:
            self._peers = peers
            place = min(peers, default=0) if own is None else own
            neighbours = choose_neighbours(place, sorted(peers)) if peers else []
            neighbours += [place] if own is None and peers else []
            for peer, reason in self._keeper.set_wanted(peers[seat] for seat in neighbours).items():
                self._report("refused peer", peer=peer[:80], reason=reason)

    def forget_before(self, round_id: int) -> None:
        """Drops from memory what older rounds needed; it stays pinned."""
        for digest in [digest for digest, of in self._rounds.items() if of < round_id]:
            self._rounds.pop(digest)
            self.blobs.pop(digest, None)

    def close(self) -> None:
        """Ends fetching and peering."""
        self._fetcher.close()
        self._keeper.stop()

    def _get_author(self, seat: int) -> str | None:
        """The announced address of a seat, if it is one that may be dialled: it is attackers' input."""
        try:
            return parse_peer(self._peers.get(seat, ""), allow_private=self._allow_private).text
        except ValueError:
            return None

    def _name(self, round_id: int) -> str:
        return f"{self._prefix}/{round_id:010d}/"
