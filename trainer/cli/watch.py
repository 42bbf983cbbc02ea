"""`comitia audit --watch`: stays, and acts on what it finds."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.cli.options import format_coins
from trainer.cli.worker import make_report
from trainer.errors import BlobError, UnreachableError

if TYPE_CHECKING:
    from trainer.keys import OperatorKey
    from trainer.roles.watcher import WatchParts

POLL_SECONDS = 1.0  # between two looks at the chain: windows are long


def watch(
    connect: Callable[[], tuple[Any, Any]],
    key: OperatorKey | None,
    budget: int,
    home: Path,
    ipfs_api: str,
    claimed: Mapping[int, Any],
    as_json: bool,
    poll_seconds: float,
) -> None:
    """Watches until the run is over and safe, or a signal comes. connect: gives client and deployment. budget: wei."""
    from trainer.roles.watcher import Watcher
    from trainer.roles.watching import assemble_watcher

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    report = make_report(as_json)
    parts: WatchParts | None = None
    told = ""
    while parts is None and not stop.is_set():
        try:
            parts = assemble_watcher(*connect(), key, budget, home.expanduser(), ipfs_api, claimed, report)
        except (UnreachableError, BlobError) as error:
            if str(error) != told:
                told = str(error)
                report("waiting", reason=told)
            stop.wait(1.0)
    if parts is None:
        return
    report("watching", account=parts.errands.account or "none: reads only", budget=format_coins(budget))
    Watcher(parts, poll_seconds=poll_seconds, stop=stop).run()
    report("stopped")
