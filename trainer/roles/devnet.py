"""A whole devnet on this machine: one EVM node and one Kubo daemon for each participant, known by one file.

`<home>/devnet.json` is there exactly while everything answers:
    {"rpc_url", "chain_id", "pid", "mnemonic", "nodes": [{"name", "api", "peer", "repo"}]}
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from trainer.blobs.daemon import KuboDaemon, make_swarm_key
from trainer.chain.devnet import CHAIN_ID, MNEMONIC, Anvil
from trainer.config import DEVNET
from trainer.errors import LockedError, UsageError
from trainer.files import write_whole
from trainer.roles.supervisor import StopSignals, Supervisor

MAX_NODES = 64
FILE = "devnet.json"


@dataclass
class Devnet:
    """What runs: the chain and the daemons, in the order of the nodes."""

    home: Path
    anvil: Anvil
    daemons: list[KuboDaemon]

    def describe(self) -> dict[str, Any]:
        """The content of devnet.json."""
        return {
            "rpc_url": self.anvil.url,
            "chain_id": CHAIN_ID,
            "pid": os.getpid(),
            "mnemonic": f"{MNEMONIC} (public: accounts 0, 1, … of m/44'/60'/0'/0; worth nothing anywhere)",
            "nodes": [
                {"name": daemon.name, "api": daemon.api, "peer": daemon.peer, "repo": str(daemon.repo)}
                for daemon in self.daemons
            ],
        }


def run_devnet(
    home: Path,
    nodes: int,
    block_time: float = DEVNET.block_time,
    accounts: int = 10,
    on_ready: Callable[[Devnet], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> None:
    """Start a devnet, or one that was stopped again with its chain and blobs, and serve until SIGINT or SIGTERM (or
    until `stop` is set, then in any thread). Everything it started is stopped when it returns, however it ends.

    block_time: seconds. on_ready: called once when all answer and devnet.json is written.
    Raises UsageError, LockedError for a home in use, ComitiaError if a program does not start or ends by itself.
    """
    if not 1 <= nodes <= MAX_NODES:
        raise UsageError(f"a devnet has 1 to {MAX_NODES} nodes, not {nodes}")
    if block_time <= 0:
        raise UsageError(f"the block time is a positive number of seconds, not {block_time:g}")
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_lock(home))
        (home / FILE).unlink(missing_ok=True)  # left by a kill -9
        until = stop if stop is not None else stack.enter_context(StopSignals())
        supervisor = stack.enter_context(Supervisor())
        devnet = _start(home, nodes, block_time, accounts, supervisor)
        stack.callback((home / FILE).unlink, missing_ok=True)
        write_whole(home / FILE, (json.dumps(devnet.describe(), indent=2) + "\n").encode())
        on_ready(devnet)
        supervisor.watch(until)


def _start(home: Path, nodes: int, block_time: float, accounts: int, supervisor: Supervisor) -> Devnet:
    anvil = Anvil(
        home / "anvil.log",
        state=home / "chain" / "state.json",
        block_time=block_time,
        accounts=accounts,
        port=_read_number(home / "anvil.port"),
    ).start()
    supervisor.add(anvil)
    # The port is kept for later starts, as the daemons keep theirs: whoever wrote it down still finds the chain.
    write_whole(home / "anvil.port", anvil.url.rpartition(":")[2].encode())
    key = _read_swarm_key(home / "swarm.key")
    daemons = [
        KuboDaemon(home / "kubo" / f"node{index}", key, name=f"node{index}", log=home / f"kubo-node{index}.log")
        for index in range(nodes)
    ]
    for daemon in daemons:
        daemon.launch()
        supervisor.add(daemon)
    for daemon in daemons:
        daemon.finish_start()
    return Devnet(home, anvil, daemons)


def _lock(home: Path) -> IO[str]:
    """One devnet per home. The lock ends with the process, whatever ends it, so it is never stale."""
    file = (home / "lock").open("a", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise LockedError(f"{home}: a devnet runs here already: stop it or choose another home") from error
    return file


def _read_swarm_key(path: Path) -> str:
    if not path.exists():
        write_whole(path, make_swarm_key().encode())
    return path.read_text(encoding="ascii")


def _read_number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
