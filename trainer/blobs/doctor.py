"""Looks at a Kubo daemon for whatever would make a run slow, lossy or unsafe on it. For `comitia doctor`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from trainer.blobs.kubo import KuboStore
from trainer.config import KUBO_SERIES
from trainer.errors import BlobError


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. `is_fatal`: the worker cannot rely on this daemon. `cure`: what to do."""

    is_fatal: bool
    what: str
    cure: str


def check(store: KuboStore) -> list[Finding]:
    """All findings, none when all is well. Raises UnreachableError."""
    version = store.get_version()
    findings = []
    if not (version + ".").startswith(KUBO_SERIES + "."):
        findings.append(
            Finding(True, f"Kubo is {version}, measured and tested is {KUBO_SERIES}", f"run Kubo {KUBO_SERIES}.x")
        )
    config = store.get_config()
    findings += _check_disk(config) + _check_exchange(config) + _check_exposure(config)
    try:
        store.get_peer()
    except BlobError as error:
        findings.append(Finding(True, "others cannot reach this daemon", str(error)))
    return findings


def _check_disk(config: dict[str, Any]) -> list[Finding]:
    mounts = _find(config, "Datastore.Spec.mounts") or []
    stores = [mount.get("child", mount) for mount in mounts]  # `child`: wrapped in a measure layer
    if any(store.get("type") == "flatfs" and store.get("sync") for store in stores):
        return []
    return [
        Finding(
            False,
            "blocks are not synced to disk: a power cut can leave empty ones",
            'set "sync": true for flatfs in Datastore.Spec and restart the daemon',
        )
    ]


def _check_exchange(config: dict[str, Any]) -> list[Finding]:
    findings = []
    if _find(config, "Internal.Bitswap.BroadcastControl.Enable") is not False:
        findings.append(
            Finding(
                False,
                "Kubo asks only nearby and protected peers for blobs, so a run finds them through protected peers only",
                "ipfs config --json Internal.Bitswap.BroadcastControl.Enable false, and restart the daemon",
            )
        )
    workers = _find(config, "Internal.Bitswap.TaskWorkerCount")
    if not isinstance(workers, int) or workers < 64:
        findings.append(
            Finding(
                False,
                f"{workers or 8} peers that stop reading can stop this daemon from serving",
                "ipfs config --json Internal.Bitswap.TaskWorkerCount 64 (EngineTaskWorkerCount too), and restart it",
            )
        )
    return findings


def _check_exposure(config: dict[str, Any]) -> list[Finding]:
    """Whoever reaches the API owns the node: it reads and deletes every block."""
    addresses = _find(config, "Addresses.API") or []
    for address in [addresses] if isinstance(addresses, str) else addresses:
        match = re.match(r"/ip[46]/([^/]+)/", address)
        if address.startswith("/unix/") or (match and ipaddress.ip_address(match.group(1)).is_loopback):
            continue
        return [Finding(True, f"Kubo's API listens at {address}, for others too", "set Addresses.API to 127.0.0.1")]
    return []


def _find(config: dict[str, Any], dotted: str) -> Any:
    place: Any = config
    for name in dotted.split("."):
        place = place.get(name) if isinstance(place, dict) else None
    return place
