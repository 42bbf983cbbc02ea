"""A run with an adversary in memory: the twin of `arena.play`, with the same keys, and so the same batches, for all."""

from __future__ import annotations

from pathlib import Path

from tests.adversaries.count import Count, check_promises, count, measure_loss
from tests.adversaries.ground import OWNER, Ground, RememberingTrainer
from tests.adversaries.place import Place
from tests.adversaries.setting import BATCH, FUND, HEIGHTS, MONEY, PRESET, RULES, TIMES
from tests.adversaries.zoo import HONEST, Adversary
from tests.integration.stage import build_documents, plan_run
from trainer.chain import calls
from trainer.protocol.tree import compute_state_root
from trainer.protocol.types import Parameters

# What a correct worker may be told: it acted on a head that was true, and the next block was another.
RACES = {"WrongPhase", "AlreadyCondemned", "RoundClosed", "NotActive"}


def make_trainer() -> RememberingTrainer:
    """Compiled once for all runs."""
    plan = plan_run(PRESET, HEIGHTS, BATCH)
    shards, _ = build_documents(PRESET)
    return RememberingTrainer(plan.task, plan.task.load_data(shards), plan.settings, plan.schedule)


def play(trainer: RememberingTrainer, home: Path, adversary: Adversary | None) -> Count:
    """A whole run, checked for what must hold in each."""
    trainer.known = {}
    weights = (*HONEST, *(adversary.weights if adversary else ()))
    gang = tuple(range(len(HONEST), len(weights)))
    ground = Ground(make_parameters(), RULES, build_documents(PRESET)[1], trainer, weights, len(HONEST), home)
    ground.send(OWNER, calls.fund(FUND))
    parts = [player.worker.parts for player in ground.players]
    for seat in gang:
        assert adversary
        adversary.alter(parts[seat], Place(seat, gang))
    ground.play()
    run, events = ground.chain.state, ground.chain.events
    check_promises(run, events, gang)
    honest = {parts[seat].submitter.address for seat in range(len(HONEST))}
    refused = {revert.name for sender, _, revert in ground.chain.refused if sender in honest}
    assert refused <= RACES
    assert run.held == sum(weights) * run.parameters.weight_unit + FUND, "the money does not add up"
    return count(run, events, gang, measure_loss(parts[0]))


def make_parameters() -> Parameters:
    """Of a run in memory: a second is a block."""
    plan, genesis = plan_run(PRESET, HEIGHTS, BATCH), build_documents(PRESET)[1]
    return Parameters(
        genesis_root=compute_state_root(genesis),
        spec_digest=bytes(32),
        parameter_count=plan.task.layout.parameter_count,
        commit_min=40,
        grace=6,
        commit_cap=60,
        reveal_window=16,
        vote_window=40,
        activate_delay=2,
        weight_unit=100,
        min_weight=sum(HONEST),
        peak_step=plan.schedule.peak,
        warmup=plan.schedule.warmup,
        decay=plan.schedule.decay,
        total_heights=HEIGHTS,
        challenge_bond=50,
        invitation_only=False,
        **TIMES,
        **MONEY,
    )
