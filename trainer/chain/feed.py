"""Follows the head of the chain and tells what happened, and what un-happened."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from web3.exceptions import BlockNotFound

from trainer.chain.client import RunClient
from trainer.chain.events import get_block_logs, get_logs
from trainer.chain.node import Header
from trainer.errors import UnreachableError, WrongNetwork
from trainer.protocol.types import BlockRef, Event

TRAIL = 1_024  # remembered blocks: how deep a reorganisation is undone without reading everything anew


@dataclass(frozen=True)
class Update:
    """What one poll found. `new` follows what is left after `dropped` (both in the order of the chain) was taken back.

    `is_reorg`: blocks that were seen before are no longer part of the chain, whether or not they held events
    (`dropped`): transactions may be gone, anchors may be void, and derived state is derived again from
    `EventFeed.events`.
    """

    head: BlockRef
    new: tuple[Event, ...]
    dropped: tuple[Event, ...]
    is_reorg: bool


class EventFeed:
    """A run's events from `start_block` on, by polling: no subscription or filter that a node's restart would lose.

    `events` is the list of all of them on the chain as of the last poll. Polling an unchanged head costs one request,
    the next block two, and any number of blocks at once five or so, since a range of logs is framed by checks of its
    first and last block.

    >>> feed = EventFeed(client, client.deployment.block)  # doctest: +SKIP
    >>> update = feed.poll()  # doctest: +SKIP
    """

    def __init__(self, client: RunClient, start_block: int) -> None:
        self.client = client
        self.events: list[Event] = []
        self.head: BlockRef | None = None
        self._start = start_block
        self._has_floor = (
            False  # the first block of the trail is what `forget` was told: there is nothing to fall back to below it
        )
        self._trail: list[BlockRef] = []  # blocks known to be of the chain, ascending; the last is the head
        self._connection = client.node.provider.current

    def poll(self) -> Update:
        """Looks once. Raises UnreachableError when no node answers, or the one that answers is behind; the feed stays
        as it was, poll again.

        Raises WrongNetwork when a block was replaced that `forget` was told is safe: everything must be derived anew.
        """
        for _ in range(8):
            try:
                update = self._advance(self.client.node.get_header("latest"))
            except BlockNotFound:
                continue  # replaced while its logs were read
            if update is not None:
                return update
        raise UnreachableError("the chain changes faster than its logs can be read")

    def forget(self, safe: BlockRef) -> None:
        """Drops the events up to and with block `safe`, which must be part of a state that the caller keeps and cannot
        be reorganised any more.
        """
        del self.events[: bisect_right(self.events, safe.number, key=_number_of)]
        self._trail = [safe, *(block for block in self._trail if block.number > safe.number)]
        self._has_floor = True

    def _advance(self, header: Header) -> Update | None:
        """One step to a head; None if the chain changed meanwhile."""
        head = header.block
        if self.head is not None and head.hash == self.head.hash:
            return Update(head, (), (), False)
        if self._is_behind(head):
            raise UnreachableError(
                f"the node is behind: block {head.number} after block {self.head.number if self.head else 0}"
            )
        is_next = self.head is not None and head.number == self.head.number + 1 and header.parent == self.head.hash
        if is_next:
            return self._accept(
                head, len(self._trail), get_block_logs(self.client.node.w3, self.client.address, head.hash)
            )
        kept = self._find_ancestor(head)
        if self._has_floor and not kept:
            raise WrongNetwork(
                f"block {self._trail[0].number}, which was taken as safe, is no longer part of the chain; start again"
            )
        first = self._trail[kept - 1].number + 1 if kept else self._start
        logs = get_logs(self.client.node.w3, self.client.address, first, head.number)
        # Both ends of the range are where they were: the logs between them are of one chain.
        ends = [head, self._trail[kept - 1]] if kept else [head]
        if not all(self._is_canonical(block) for block in ends):
            return None
        return self._accept(head, kept, logs)

    def _is_behind(self, head: BlockRef) -> bool:
        """A lower head after a change of nodes is a node that lags; from the same node it is a reorganisation."""
        is_same = self._connection == self.client.node.provider.current
        if not is_same and self.head is not None and head.number < self.head.number:
            return True
        self._connection = self.client.node.provider.current
        return False

    def _find_ancestor(self, head: BlockRef) -> int:
        """How many blocks of the trail are still part of the chain."""
        kept = len(self._trail)
        while kept and (self._trail[kept - 1].number > head.number or not self._is_canonical(self._trail[kept - 1])):
            kept -= 1
        return kept

    def _is_canonical(self, block: BlockRef) -> bool:
        try:
            return self.client.node.get_header(block.number).block.hash == block.hash
        except BlockNotFound:
            return False

    def _accept(self, head: BlockRef, kept: int, logs: list[Any]) -> Update:
        is_reorg = kept < len(self._trail)
        new = self.client.decoder.decode_all(logs, self.client.get_time)
        cut = bisect_right(self.events, self._trail[kept - 1].number, key=_number_of) if kept else 0
        # The trail may have gaps: what was read again and is the same was never dropped.
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self.events[cut:], new, strict=False)))
        dropped, new = tuple(self.events[cut + same :]), new[same:]
        del self.events[cut + same :]
        self.events += new
        between = {event.block: None for event in new if event.block.number < head.number}
        trail = [*self._trail[:kept], *between, head]
        floor = 1 if self._has_floor else 0
        self._trail = trail[:floor] + trail[floor:][-TRAIL:]
        self.head = head
        return Update(head, tuple(new), dropped, is_reorg)


def _number_of(event: Event) -> int:
    return event.block.number
