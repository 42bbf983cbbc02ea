"""A machine's settings: every default in one place, and where the programs of others (Kubo, anvil) are found.

Not here: constants of the protocol (`protocol/constants.py`) and a run's parameters (the contract's constructor).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent  # of the checkout
CACHE = ROOT / ".cache"  # what `make setup` made

KUBO_SERIES = "0.43"  # settings and answers were measured on it; another series may rename either
DTYPES = ("float32", "bfloat16")  # in which a worker's model computes; the first where nothing is said
ANVIL_SERIES = "1.7"  # the first with a fractional block time that does not drift and the osaka fork


@dataclass(frozen=True)
class BlobSettings:
    """How blobs are fetched and peers are kept. Times in seconds, sizes in bytes. Source: design, operations."""

    fetches_at_once: int = 32
    repeats_at_once: int = 16  # of these, for wants that failed before: what nobody holds never keeps a new one waiting
    first_wait: float = 1.0  # of one request; a block that somebody holds takes 0.02 to 0.9
    seconds_per_byte: float = 3e-6  # three times the time at 1 MB/s; the larger of both, doubled with each failure
    longest_wait: float = 30.0
    reconnect_after: int = 2  # failures: from then on the author's connection is made anew before asking
    reconnect_every: float = 10.0  # at most, for one peer: whoever names another's peer id must not cut it off for long
    pause: float = 0.2  # after a failure that came at once, as from a daemon that is restarting
    call_timeout: float = 10.0  # of every other request to the daemon, which is on this machine
    dial_timeout: float = 5.0  # a black hole; a live peer answers in 0.01 (loopback) to 0.8 (200 ms away)
    dials_at_once: int = 16
    reconcile_every: float = 3.0
    longest_redial: float = 60.0  # between dials of a peer that never answers
    full_mesh_seats: int = 16  # up to so many seats everybody dials everybody


@dataclass(frozen=True)
class DevnetSettings:
    """A devnet on this machine. Times in seconds."""

    block_time: float = 0.5
    state_interval: float = 10.0  # between dumps of the chain: a kill -9 of anvil loses at most this much of it
    start_timeout: float = 60.0  # of one program; anvil takes 0.1, Kubo 0.2, a loaded machine far longer
    gas_limit: int = 30_000_000  # of a block
    states_on_disk: int = 2000  # of blocks before its latest 500: for calls at them, and traces


@dataclass(frozen=True)
class ProcessSettings:
    """Child processes. Times in seconds."""

    stop_timeout: float = 12.0  # from SIGTERM to SIGKILL; Kubo's own limit (Internal.ShutdownTimeout) is 10
    poll_every: float = 0.01


BLOBS = BlobSettings()
DEVNET = DevnetSettings()
PROCESSES = ProcessSettings()


def find_kubo(env: Mapping[str, str] | None = None, cache: Path = CACHE) -> Path:
    """Kubo's program: `$IPFS_BIN`, else setup's choice (`.cache/kubo/path`), else `ipfs` on PATH. Raises UsageError."""
    return _find("Kubo", "IPFS_BIN", cache / "kubo" / "path", "ipfs", r"ipfs version (\S+)", KUBO_SERIES, env)


def find_anvil(env: Mapping[str, str] | None = None, cache: Path = CACHE) -> Path:
    """anvil's program: `$ANVIL_BIN`, else what setup wrote (`.cache/anvil.path`), else `anvil` on PATH. Not npm's
    launcher, which swallows exit codes. Raises UsageError.
    """
    return _find("anvil", "ANVIL_BIN", cache / "anvil.path", "anvil", r"anvil Version: (\S+)", ANVIL_SERIES, env)


def _find(
    what: str, variable: str, written: Path, name: str, pattern: str, series: str, env: Mapping[str, str] | None
) -> Path:
    """The first place that names a program decides: a wrong `$IPFS_BIN` is an error, not a reason to look further."""
    env = os.environ if env is None else env
    help_line = f"run `make setup` or set {variable} to {what} {series}"
    on_path = shutil.which(name, path=env.get("PATH", ""))
    if env.get(variable):
        source, program = f"{variable}={env[variable]}", Path(env[variable])
    elif written.is_file():
        program = Path(written.read_text(encoding="utf-8").strip())
        source = f"{program} (from {written})"
    elif on_path:
        source, program = on_path, Path(on_path)
    else:
        raise UsageError(f"{what} was not found: {help_line}")
    version = _ask_version(program, pattern)
    if version is None:
        raise UsageError(f"{source} is no {what}, or does not run on this machine: {help_line}")
    if not (version + ".").startswith(series + "."):
        raise UsageError(f"{source} is {what} {version}, wanted is {series}: {help_line}")
    return program.absolute()


def _ask_version(program: Path, pattern: str) -> str | None:
    flag = "version" if pattern.startswith("ipfs") else "--version"
    try:
        done = subprocess.run(
            [program, flag], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(pattern, done.stdout)
    return match.group(1).partition("-")[0] if match and done.returncode == 0 else None
