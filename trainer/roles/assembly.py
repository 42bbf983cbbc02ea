"""Puts a worker together from real parts: chain, Kubo, JAX, disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from trainer.blobs.kubo import KuboStore
from trainer.chain.client import RunClient
from trainer.chain.deployment import Deployment
from trainer.chain.feed import EventFeed
from trainer.chain.sender import DEFAULT_FEES, Sender
from trainer.config import DTYPES
from trainer.errors import UsageError
from trainer.keys import OperatorKey
from trainer.learn import integer_step
from trainer.learn.local_training import LocalTrainer, use_compile_cache
from trainer.learn.settings import LocalSettings
from trainer.learn.task import Task
from trainer.protocol import step
from trainer.protocol.constants import CHUNK, GRADIENT_LEAF_BYTES
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState, Seat
from trainer.protocol.sealing import sealed_length
from trainer.protocol.step import Schedule
from trainer.protocol.tree import compute_state_root
from trainer.protocol.types import Parameters
from trainer.roles.background import BackgroundReplay
from trainer.roles.blob_desk import BlobDesk
from trainer.roles.checking import CheckDesk
from trainer.roles.docket import Docket
from trainer.roles.enrolment import KeyRing, find_seat
from trainer.roles.follower import Follower
from trainer.roles.library import Library, load_library
from trainer.roles.neighbours import connect_seats
from trainer.roles.replica import ChainReplica
from trainer.roles.submitter import Submitter
from trainer.roles.training import BackgroundTraining
from trainer.roles.vault import Vault
from trainer.roles.worker import Parts

DEVNET_CHAIN_ID = 31337
# of each new state, computed a second time by the reference: a bug of the fast path stops one worker instead of costing
# all
CHECKED_CHUNKS = 16


def assemble(
    client: RunClient,
    deployment: Deployment,
    operator: OperatorKey,
    wanted: int | None,
    home: Path,
    ipfs_api: str,
    report: Callable[..., None],
    dtype: str = DTYPES[0],
) -> tuple[Parts, Seat]:
    """The parts of a worker, ready to run. dtype: in which its model computes. Raises UnreachableError and BlobError
    (wait and call again), UsageError, LockedError.
    """
    replica = ChainReplica(EventFeed(client, deployment.block), deployment.parameters, client.domains)
    replica.poll()
    seat = find_seat(replica.run, operator.address, wanted)
    keyring = KeyRing(operator, deployment)
    if all(keyring.find(tip.tip) is None for tip in seat.tips):
        raise UsageError(
            f"seat {seat.seat} announced no key chain of this key: was it joined with another operator's card? "
            f"`comitia seat new-tip` announces one"
        )
    with ExitStack() as stack:
        # Before anything that takes long: a second worker is told at once.
        vault = Vault(home / f"{deployment.chain_id}-{deployment.address}-{seat.seat}")
        stack.callback(vault.close)
        store = KuboStore(ipfs_api)
        is_devnet = deployment.chain_id == DEVNET_CHAIN_ID
        connect_seats(store, replica.run, allow_private=is_devnet)
        report("loading", what="specification, data shards and genesis state from IPFS")
        library = load_library(store, deployment.parameters, time.monotonic)
        trainer = make_trainer(library, deployment.parameters, home, report, dtype)
        checks = _make_checks(seat.seat, library, trainer, vault, keyring, report)
        stack.pop_all()  # from here on the vault is the worker's
    parts = Parts(
        replica=replica,
        follower=Follower(library.genesis, 0, library.rules, compute_next_state),
        genesis=library.genesis,
        desk=BlobDesk(
            store,
            f"{deployment.address}/{seat.seat}",
            sealed_length(deployment.parameters.parameter_count),
            allow_private=is_devnet,
            report=report,
        ),
        submitter=Submitter(Sender(client, operator, DEFAULT_FEES), vault, report),
        training=BackgroundTraining(trainer),
        checks=checks,
        vault=vault,
        keyring=keyring,
        numerics=trainer.numerics,
        report=report,
    )
    return parts, seat


def _make_checks(
    seat: int, library: Library, trainer: LocalTrainer, vault: Vault, keyring: KeyRing, report: Callable[..., None]
) -> CheckDesk:
    """The desk of the cross-checks: on the states that the vault keeps."""

    def compute_key(run: RunState, round_id: int) -> bytes | None:
        return keyring.compute_key(run.seats[seat], round_id)

    def find_state(run: RunState, height: int) -> State | None:
        return vault.load_state_of(run, height) if height else library.genesis

    docket = Docket(vault.journal, vault.directory / "dispute")
    return CheckDesk(seat, library.rules, BackgroundReplay(trainer), docket, compute_key, find_state, report)


def make_trainer(
    library: Library, parameters: Parameters, home: Path, report: Callable[..., None], dtype: str = DTYPES[0]
) -> LocalTrainer:
    """A trainer for the run's task, compiled and timed: before the first round, not in it."""
    use_compile_cache(home / "jax-cache")
    task = Task.from_config(dict(library.specification.task))
    settings = LocalSettings.from_config(library.specification.training["local"])
    trainer = LocalTrainer(task, task.load_data(library.shards), settings, make_schedule(parameters), dtype)
    report("compiling", what="the model (seconds; less the next time)")
    seconds = trainer.warm_up()
    report(
        "ready",
        seconds_a_round=round(seconds, 2),
        commit_min=parameters.commit_min,
        parameters=task.layout.parameter_count,
        numerics=trainer.numerics,
    )
    return trainer


def make_schedule(parameters: Parameters) -> Schedule:
    """The run's schedule."""
    return Schedule(parameters.peak_step, parameters.warmup, parameters.decay, parameters.total_heights)


def compute_next_state(run: RunState, round_id: int, state: State, bits: Mapping[int, bytes]) -> tuple[State, bytes]:
    """`judgement.compute_next_state` by the fast path, with some chunks computed again by the reference. Raises
    ArithmeticError where they differ.
    """
    record = run.rounds[round_id]
    size = make_schedule(run.parameters).compute_step(record.height)
    gradients = [(bits[seat], record.weights[seat]) for seat in sorted(bits)]
    after = integer_step.apply_step(state, gradients, size)
    chunks = len(state) // CHUNK
    # Any choice would do: the round id spreads it, and needs no randomness.
    for chunk in {
        (round_id * 7919 + position * (chunks // CHECKED_CHUNKS + 1)) % chunks for position in range(CHECKED_CHUNKS)
    }:
        part = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
        leaf = slice(chunk * GRADIENT_LEAF_BYTES, (chunk + 1) * GRADIENT_LEAF_BYTES)
        again = step.apply_step(state[part], [(packed[leaf], weight) for packed, weight in gradients], size)
        if not np.array_equal(again, after[part]):
            raise ArithmeticError(
                f"round {round_id}, chunk {chunk}: the fast step and the reference differ; nothing was voted. Report "
                f"this"
            )
    return after, compute_state_root(after)
