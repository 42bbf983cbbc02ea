"""Puts a watcher together from real parts: chain, Kubo, disk. No JAX training, no seat, no journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from trainer.blobs.kubo import KuboStore
from trainer.chain.client import RunClient
from trainer.chain.deployment import Deployment
from trainer.chain.feed import EventFeed
from trainer.chain.sender import DEFAULT_FEES, Sender
from trainer.errors import AuditMismatch, BlobError
from trainer.keys import OperatorKey
from trainer.learn.checkpoint import parse_state
from trainer.protocol.answers import find_first_difference
from trainer.protocol.judgement import State, compute_next_state
from trainer.protocol.sealing import sealed_length
from trainer.roles.assembly import DEVNET_CHAIN_ID
from trainer.roles.blob_desk import BlobDesk
from trainer.roles.errands import Errands
from trainer.roles.examination import Examination, Examiner
from trainer.roles.library import load_library
from trainer.roles.neighbours import connect_seats
from trainer.roles.replica import ChainReplica
from trainer.roles.shelf import Shelf
from trainer.roles.suspicion import Suspicion
from trainer.roles.watcher import WatchParts

Report = Callable[..., None]


def assemble_watcher(
    client: RunClient,
    deployment: Deployment,
    key: OperatorKey | None,
    budget: int,
    home: Path,
    ipfs_api: str,
    claimed: Mapping[int, State],
    report: Report,
) -> WatchParts:
    """The parts of a watcher, ready to run. key: None for one that only reads. budget: wei. claimed: height to a state
    that somebody else has, which names the chunk to challenge. Raises UnreachableError, BlobError (wait and call
    again), UsageError, LockedError.
    """
    replica = ChainReplica(EventFeed(client, deployment.block), deployment.parameters, client.domains)
    replica.poll()
    store = KuboStore(ipfs_api)
    is_devnet = deployment.chain_id == DEVNET_CHAIN_ID
    with ExitStack() as stack:
        shelf = Shelf(home / f"{deployment.chain_id}-{deployment.address}-watch")
        stack.callback(shelf.close)
        connect_seats(store, replica.run, allow_private=is_devnet)
        library = load_library(store, deployment.parameters, time.monotonic, with_shards=False)
        stack.pop_all()
    return WatchParts(
        replica=replica,
        genesis=library.genesis,
        desk=BlobDesk(
            store,
            f"{deployment.address}/watch",
            sealed_length(deployment.parameters.parameter_count),
            allow_private=is_devnet,
            report=report,
        ),
        examiner=Examiner(store, library.rules, compute_next_state),
        shelf=shelf,
        errands=Errands(None if key is None else Sender(client, key, DEFAULT_FEES), budget, report),
        suspicion=Suspicion(client, claimed),
        report=report,
    )


def examine_round(
    client: RunClient, deployment: Deployment, round_id: int, ipfs_api: str, report: Report
) -> tuple[ChainReplica, Examination]:
    """One round, replayed from the first state: for the commands that concern one. Raises AuditMismatch where an
    earlier round is wrong, BlobError where a blob cannot be had.
    """
    replica = ChainReplica(EventFeed(client, deployment.block), deployment.parameters, client.domains)
    replica.poll()
    run = replica.run
    final = run.rounds[round_id].final if round_id in run.rounds else None
    if final is None:
        raise AuditMismatch(f"round {round_id} is not final")
    store = KuboStore(ipfs_api)
    connect_seats(store, run, allow_private=deployment.chain_id == DEVNET_CHAIN_ID)
    library = load_library(store, deployment.parameters, time.monotonic, with_shards=False)
    report(f"replaying {final.height} rounds")
    try:
        return replica, Examiner(store, library.rules, compute_next_state).rebuild(run, final, 0, library.genesis)
    except BlobError as error:
        raise BlobError(f"round {round_id} cannot be recomputed: {error}") from error


def find_claimed_chunk(found: Examination, claimed: State) -> int | None:
    """First chunk in which a state differs from the replayed one."""
    return find_first_difference(claimed, found.after)


def read_state(path: Path) -> State:
    """A state as a worker keeps it: raw int32, little-endian."""
    return parse_state(path.read_bytes())
