"""A Kubo daemon that we start, configure and stop: private swarm, nothing announced, no peers but our own."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from trainer.blobs.kubo import KuboStore
from trainer.blobs.kubo_settings import ENVIRONMENT, SETTINGS
from trainer.config import DEVNET, find_kubo
from trainer.errors import BlobError, ComitiaError, LockedError, UnreachableError, UsageError
from trainer.processes import Child

LOOPBACK = "/ip4/127.0.0.1/tcp/0"


def make_swarm_key() -> str:
    """A new key of a private swarm, as the text of Kubo's `swarm.key` file. A secret."""
    return f"/key/swarm/psk/1.0.0/\n/base16/\n{secrets.token_hex(32)}\n"


class KuboDaemon:
    """One daemon on the repository `repo`, which is made if it is not there. Ports are chosen by the system the first
    time and kept for later starts, since peers know the swarm's port from the chain; a taken one is chosen anew.

    listen: multiaddr of the swarm. announce: multiaddrs without peer id under which others reach it; behind a NAT Kubo
    knows none by itself.
    """

    def __init__(
        self,
        repo: Path,
        swarm_key: str,
        *,
        name: str = "kubo",
        listen: str = LOOPBACK,
        announce: tuple[str, ...] = (),
        binary: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self.name = name
        self.repo = repo
        self.log = log or repo.with_name(repo.name + ".log")
        self.store = KuboStore(repo)
        self._swarm_key = swarm_key
        self._listen = listen
        self._announce = announce
        self._binary = binary
        self._child: Child | None = None
        self._peer = ""

    # ------------------------------------------------------------------ life

    def start(self, timeout: float = DEVNET.start_timeout) -> KuboDaemon:
        """Start it and wait until it answers. timeout: seconds. Raises LockedError if a daemon serves this repository
        already, ComitiaError and UnreachableError with the daemon's last lines.
        """
        self.launch()
        return self.finish_start(timeout)

    def launch(self) -> None:
        """The first half of `start`, which does not wait: several daemons then start at the same time."""
        self._binary = self._binary or find_kubo()
        self._make_repo()
        if self._is_served():
            raise LockedError(f"{self.repo}: a Kubo daemon serves this repository already: stop it")
        # A file left by a killed daemon; waiting for the new one's must not read it.
        (self.repo / "api").unlink(missing_ok=True)
        self._write_config(self._read_ports())
        self._child = self._make_child()

    def finish_start(self, timeout: float = DEVNET.start_timeout) -> KuboDaemon:
        """The second half of `start`."""
        try:
            self._peer = self._get_child().wait_ready(self._ask_peer, timeout)
        except ComitiaError:
            child = self._get_child()
            child.kill()
            if not re.search("address already in use|failed to listen on any addresses", child.read_log()):
                raise
            if not self._read_ports():
                raise  # the caller named the port
            self._get_ports_file().unlink()
            self._write_config({})
            self._child = self._make_child()
            self._peer = self._get_child().wait_ready(self._ask_peer, timeout)
        self._write_ports()
        return self

    def request_stop(self) -> None:
        """SIGTERM without waiting."""
        self._get_child().request_stop()

    def stop(self) -> int:
        """Stop it within a bounded time. Returns its exit code."""
        return self._get_child().stop()

    def kill(self) -> int:
        """SIGKILL, as a power cut would."""
        return self._get_child().kill()

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.is_alive

    @property
    def pid(self) -> int:
        """Process id."""
        return self._get_child().pid

    @property
    def api(self) -> str:
        """Multiaddr of its API; another one after a restart if the port was taken meanwhile."""
        return (self.repo / "api").read_text(encoding="ascii").strip()

    @property
    def peer(self) -> str:
        """Multiaddr under which others reach it, with its peer id: what a seat announces on chain."""
        return self._peer

    @property
    def peer_id(self) -> str:
        """Its peer id."""
        return self._peer.rpartition("/p2p/")[2]

    def __enter__(self) -> KuboDaemon:
        return self if self.is_alive else self.start()

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.stop()

    # ------------------------------------------------------------------ parts

    def _get_child(self) -> Child:
        if self._child is None:
            raise UsageError(f"{self.name} was not started")
        return self._child

    def _make_child(self) -> Child:
        assert self._binary is not None
        environment = ENVIRONMENT | {"IPFS_PATH": os.fspath(self.repo)}
        command: list[str | Path] = [self._binary, "daemon", "--migrate=false", "--enable-gc=false"]
        return Child(self.name, command, self.log, environment)

    def _ask_peer(self) -> str | None:
        try:
            return self.store.get_peer()
        except (UnreachableError, BlobError):
            return None

    def _is_served(self) -> bool:
        """Whether a daemon answers at the address left in the repository, and is this repository's: the port of a
        killed one may be another's by now.
        """
        identity = json.loads((self.repo / "config").read_text(encoding="utf-8"))["Identity"]["PeerID"]
        try:
            return self.store.get_peer_id() == str(identity)
        except (UnreachableError, BlobError):
            return False

    def _make_repo(self) -> None:
        """Made beside its place and renamed, so that a start that was cut off leaves no half repository."""
        if (self.repo / "config").exists():
            return
        if self.repo.exists() and any(self.repo.iterdir()):
            raise UsageError(f"{self.repo} is neither empty nor a Kubo repository")
        assert self._binary is not None
        new = self.repo.with_name(self.repo.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [self._binary, "init", "--empty-repo"],
            env=os.environ | ENVIRONMENT | {"IPFS_PATH": os.fspath(new)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ComitiaError(f"ipfs init of {self.repo} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        new.replace(self.repo)

    def _write_config(self, ports: dict[str, str]) -> None:
        """Written at every start, so that a repository follows this module."""
        path = self.repo / "config"
        config = json.loads(path.read_text(encoding="utf-8"))
        settings = SETTINGS | {
            "Addresses.API": ports.get("api", LOOPBACK),
            "Addresses.Swarm": [ports.get("swarm", self._listen)],
            "Addresses.Announce": list(self._announce),
        }
        for dotted, value in settings.items():
            *parents, last = dotted.split(".")
            place = config
            for name in parents:
                place = place.setdefault(name, {})
            place[last] = value
        _write_private(path, json.dumps(config, indent=2))
        _write_private(self.repo / "swarm.key", self._swarm_key)

    def _get_ports_file(self) -> Path:
        return self.repo / "comitia-ports.json"

    def _read_ports(self) -> dict[str, str]:
        if self._listen != LOOPBACK or not self._get_ports_file().exists():
            return {}
        return dict(json.loads(self._get_ports_file().read_text(encoding="utf-8")))

    def _write_ports(self) -> None:
        if self._listen == LOOPBACK:
            ports = {"api": self.api, "swarm": self._peer.partition("/p2p/")[0]}
            _write_private(self._get_ports_file(), json.dumps(ports))


def _write_private(path: Path, text: str) -> None:
    """Replace a file at once; nobody else may read it."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
