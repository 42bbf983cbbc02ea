"""This machine's copy of the run: the chain's events, applied. A reorganisation is handled like a restart: derived anew
from the events that stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trainer.chain.feed import EventFeed
from trainer.protocol.messages import Domains
from trainer.protocol.run_state import RunState
from trainer.protocol.types import BlockRef, Event, Parameters


class Replica(Protocol):
    """What a role reads of the chain."""

    run: RunState
    reorganisations: int  # how often blocks that were seen are no longer part of the chain

    def poll(self) -> BlockRef:
        """Brings `run` up to the newest block and returns that block. Raises UnreachableError."""


class ChainReplica:
    """A `RunState` that follows an `EventFeed`."""

    def __init__(self, feed: EventFeed, parameters: Parameters, domains: Domains) -> None:
        self._feed = feed
        self._parameters = parameters
        self._domains = domains
        self.run = RunState(parameters, domains)
        self.reorganisations = 0

    @property
    def events(self) -> Sequence[Event]:
        """All events of the run, as of the last poll."""
        return self._feed.events

    def poll(self) -> BlockRef:
        """Brings `run` up to the newest block."""
        update = self._feed.poll()
        self.reorganisations += update.is_reorg
        if update.dropped:
            self.run = RunState(self._parameters, self._domains)
        for event in self._feed.events if update.dropped else update.new:
            self.run.apply(event)
        return update.head
