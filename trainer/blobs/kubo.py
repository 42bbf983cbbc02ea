"""A Kubo daemon as a BlobStore, through ipfshttpclient, which lives here only.

Traps of ipfshttpclient 0.7: `connect()` refuses every Kubo since 0.8, `Client` does not look; `swarm.connect` splits
its address into letters; `cat` and `block.get` hold any body in memory. So requests go through its lower level, with
one session for each, whose wall-clock limit and cancel are `guarded_http`'s.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from trainer.blobs.cid import decode_cid, encode_cid
from trainer.blobs.guarded_http import Limit, make_session, read_at_most
from trainer.blobs.peer_address import parse_peer
from trainer.blobs.store import Cancel, Want, WrongSize
from trainer.config import BLOBS, BlobSettings
from trainer.errors import BlobError, UnreachableError, UsageError
from trainer.protocol.constants import MAX_BLOB_BYTES

os.environ.setdefault("PY_IPFS_HTTP_CLIENT_PATCH_REQUESTS", "no")  # else it replaces parts of requests, for everybody
import ipfshttpclient.exceptions as ipfs_errors
import ipfshttpclient.http as ipfs_http
from ipfshttpclient.multipart import stream_files

CHUNK_BYTES = 1 << 16
GRACE = 0.5  # seconds that the daemon may answer "time is over" later than we asked it to


class _Http(ipfs_http.ClientSync):  # type: ignore[misc]
    """ipfshttpclient's lower level for one request under one limit."""

    def __init__(self, address: str, limit: Limit) -> None:
        super().__init__(address, "api/v0", timeout=BLOBS.call_timeout)
        self._limit = limit

    def _make_session(self) -> requests.Session:
        session = make_session(self._limit)
        for name, value in self._session_props.items():
            setattr(session, name, value)
        return session

    def stream(
        self, path: str, arguments: Sequence[str], options: Mapping[str, str]
    ) -> tuple[list[Any], Iterator[bytes]]:
        parameters = [*options.items(), *(("arg", argument) for argument in arguments)]
        return self._request(
            "POST", path, parameters, auth=None, data=None, headers=None, timeout=None, chunk_size=CHUNK_BYTES
        )


class KuboStore:
    """`BlobStore` on the daemon at `api`: a multiaddr (`/ip4/127.0.0.1/tcp/5001`), or the path of the repository of a
    daemon on this machine, whose `api` file is read for every request: it moves when the daemon is restarted.
    """

    def __init__(self, api: str | Path, settings: BlobSettings = BLOBS) -> None:
        self._api = api
        self._settings = settings
        self._reconnected: dict[str, float] = {}  # peer id to when, in monotonic seconds
        self._lock = threading.Lock()

    # ------------------------------------------------------------------ blobs

    def put(self, data: bytes, name: str = "") -> bytes:
        if not 0 < len(data) <= MAX_BLOB_BYTES:
            raise ValueError(f"a blob has 1 to {MAX_BLOB_BYTES} bytes, not {len(data)}")
        digest = hashlib.sha256(data).digest()
        body, headers = stream_files(io.BytesIO(data), chunk_size=CHUNK_BYTES)
        # Every option is sent: the defaults are the daemon's, and a user's own may differ.
        options = {"cid-codec": "raw", "mhtype": "sha2-256", "mhlen": "-1", "pin": "true", "allow-big-block": "false"}
        answer = self._call("/block/put", options=options, data=body, headers=headers)
        if answer["Key"] != encode_cid(digest):
            raise BlobError(f"Kubo stored {encode_cid(digest)} as {answer['Key']}: no Kubo that can be used")
        if name:
            self.pin(digest, name)
        return digest

    def get(
        self,
        digest: bytes,
        size: int | None,
        deadline: float,
        cancel: Cancel | None = None,
        author: str | None = None,
    ) -> bytes:
        want = Want(digest, size, deadline, author)
        while (started := time.monotonic()) < deadline:
            data = want.attempt(self, cancel, self._settings)
            if data is not None:
                return data
            if cancel is not None and cancel.is_set():
                raise BlobError(f"blob {digest.hex()[:16]}…: cancelled")
            rest = started + self._settings.pause - time.monotonic()
            time.sleep(max(0.0, min(rest, deadline - time.monotonic())))
        raise BlobError(want.describe())

    def try_get(self, digest: bytes, size: int | None, wait: float, cancel: Cancel | None = None) -> bytes | None:
        limit = Limit(wait + GRACE, cancel)
        http = self._open(limit)
        most = MAX_BLOB_BYTES if size is None else size
        closables: list[Any] = []
        try:
            closables, chunks = http.stream("/block/get", [encode_cid(digest)], {"timeout": f"{wait:.3f}s"})
            data = read_at_most(chunks, most + 1)
        except ipfs_errors.ErrorResponse:  # "context deadline exceeded" and the like
            return None
        except (ipfs_errors.Error, requests.RequestException) as error:
            if limit.is_over():
                return None
            raise UnreachableError(self._describe(error)) from error
        finally:
            for closable in closables:  # closing is what takes the wish back in the daemon
                closable.close()
        return self._verify(digest, size, most, data)

    def _verify(self, digest: bytes, size: int | None, most: int, data: bytes) -> bytes | None:
        if len(data) > most:
            raise WrongSize(f"blob {digest.hex()[:16]}… is longer than {most} bytes")
        if hashlib.sha256(data).digest() != digest:
            # Short (a time-out in mid-answer comes with status 200) or damaged on this disk, where asking again would
            # bring the same bytes for ever.
            held = self._find_size(digest)
            if held is not None and held == len(data):
                self.drop(digest)
            return None
        if size is not None and len(data) != size:
            raise WrongSize(f"blob {digest.hex()[:16]}… has {len(data)} bytes, not {size}")
        return data

    def has(self, digest: bytes, size: int | None = None) -> bool:
        held = self._find_size(digest)
        return held is not None and size in (None, held)

    def _find_size(self, digest: bytes) -> int | None:
        try:
            return int(self._call("/block/stat", [encode_cid(digest)], {"offline": "true"})["Size"])
        except BlobError:  # "block was not found locally (offline)"
            return None

    def pin(self, digest: bytes, name: str = "") -> None:
        options = {"recursive": "true"} | ({"name": name} if name else {})
        if not self.has(digest):  # else the daemon would go and look for it
            raise BlobError(f"blob {digest.hex()[:16]}… is not held here: it cannot be pinned")
        self._call("/pin/add", [encode_cid(digest)], options)

    def unpin(self, digest: bytes) -> None:
        try:
            self._call("/pin/rm", [encode_cid(digest)], {"recursive": "true"})
        except BlobError as error:
            if "not pinned" not in str(error):
                raise

    def drop(self, digest: bytes) -> None:
        self.unpin(digest)
        self._call("/block/rm", [encode_cid(digest)], {"force": "true"})

    def pins(self, prefix: str = "") -> dict[bytes, str]:
        keys = self._call("/pin/ls", options={"type": "recursive", "names": "true"})["Keys"] or {}
        found = {}
        for cid, details in keys.items():
            name = details.get("Name") or ""
            if name.startswith(prefix):
                try:
                    found[decode_cid(cid)] = name
                except ValueError:
                    continue  # a pin of the node's owner, no blob
        return found

    # ------------------------------------------------------------------ peers

    def connect(self, peers: Iterable[str]) -> dict[str, str | None]:
        wanted = list(dict.fromkeys(peers))
        if not wanted:
            return {}
        with ThreadPoolExecutor(min(len(wanted), self._settings.dials_at_once)) as pool:
            return dict(zip(wanted, pool.map(self._dial, wanted), strict=True))

    def _dial(self, peer: str) -> str | None:
        seconds = self._settings.dial_timeout
        try:
            parse_peer(peer, allow_private=True)  # the form; who may be dialled is the caller's to say
            self._call("/swarm/connect", [peer], {"timeout": f"{seconds:.3f}s"}, seconds=seconds + GRACE)
        except (ValueError, BlobError, UnreachableError) as error:
            return str(error)
        return None

    def reconnect(self, peer: str) -> None:
        try:
            peer_id = parse_peer(peer, allow_private=True).peer_id
        except ValueError:
            return
        now = time.monotonic()
        with self._lock:
            if now - self._reconnected.get(peer_id, -math.inf) < self._settings.reconnect_every:
                return
            self._reconnected[peer_id] = now
        with contextlib.suppress(BlobError):  # it was not connected
            self._call("/swarm/disconnect", ["/p2p/" + peer_id])
        # Kubo dials every address it knows of this peer, so a false one in a claim does no harm.
        self._dial(peer)

    def get_peer_ids(self) -> set[str]:
        """Ids of the connected peers."""
        return {peer["Peer"] for peer in self._call("/swarm/peers")["Peers"] or []}

    def get_peer(self) -> str:
        """The address to announce: a TCP address of the daemon with its peer id, a public one if it has one, loopback
        last. Raises BlobError if there is none.
        """
        found = []
        for text in self._call("/id")["Addresses"] or []:
            try:
                found.append(parse_peer(text, allow_private=True))
            except ValueError:
                continue
        if not found:
            raise BlobError("Kubo listens on no TCP address: set Addresses.Swarm (and Addresses.Announce behind a NAT)")
        return min(found, key=lambda peer: (peer.reach, peer.text)).text

    def get_peer_id(self) -> str:
        """The daemon's own peer id."""
        return str(self._call("/id")["ID"])

    def get_protected(self) -> set[str]:
        """Ids of the peers that the daemon keeps up itself (`swarm/peering`); a restart of the daemon forgets them."""
        return {peer["ID"] for peer in self._call("/swarm/peering/ls")["Peers"] or []}

    def protect(self, peer: str) -> None:
        """Let the daemon keep this peer up, and ask it for blocks also where broadcasts are limited."""
        self._call("/swarm/peering/add", [peer])

    def unprotect(self, peer_id: str) -> None:
        """Undo `protect`."""
        self._call("/swarm/peering/rm", [peer_id])

    # ------------------------------------------------------------------ the daemon

    def get_version(self) -> str:
        """Kubo's version, as `0.43.0`."""
        return str(self._call("/version")["Version"])

    def get_config(self) -> dict[str, Any]:
        """Kubo's settings without its private key."""
        return dict(self._call("/config/show"))

    def _find_api(self) -> str:
        if isinstance(self._api, str):
            return self._api
        try:
            return (self._api / "api").read_text(encoding="ascii").strip()
        except OSError as error:
            raise UnreachableError(f"the Kubo daemon of {self._api} is not running: start it") from error

    def _open(self, limit: Limit) -> _Http:
        address = self._find_api()
        try:
            return _Http(address, limit)
        except ipfs_errors.AddressError as error:
            raise UsageError(f"{address!r} is no address of a Kubo API, such as /ip4/127.0.0.1/tcp/5001") from error

    def _describe(self, error: Exception) -> str:
        return f"the Kubo daemon at {self._api} does not answer ({str(error)[:200]}): is it running?"

    def _call(
        self,
        path: str,
        arguments: Sequence[str] = (),
        options: Mapping[str, str] | None = None,
        *,
        data: Any = None,
        headers: Any = None,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """The JSON answer to one command. Raises UnreachableError, and BlobError with the daemon's own words."""
        http = self._open(Limit(seconds or self._settings.call_timeout))
        try:
            answer = http.request(path, list(arguments), opts=options or {}, decoder="json", data=data, headers=headers)
        except ipfs_errors.ErrorResponse as error:
            raise BlobError(f"Kubo: {error}") from error
        except (ipfs_errors.Error, requests.RequestException) as error:
            raise UnreachableError(self._describe(error)) from error
        return answer[0] if answer else {}
