"""One dial to every seat's node: for who comes to fetch a run's documents and blobs, and has no peers yet."""

from __future__ import annotations

from trainer.blobs.kubo import KuboStore
from trainer.blobs.peers import PeerKeeper
from trainer.protocol.run_state import RunState


def connect_seats(store: KuboStore, run: RunState, *, allow_private: bool) -> None:
    """Dials all seats at the same time, 5 s at most. Who does not answer is passed over. Raises UnreachableError for
    the own node.
    """
    keeper = PeerKeeper(store, allow_private=allow_private)
    keeper.set_wanted(seat.peer for seat in run.seats.values())
    keeper.reconcile()
