"""A run with real training for the study of false alarms: one process plays all seats, each with numerics of its own,
and beside every seat what cheats would have handed in. No chain, no IPFS; rounds, gate, step, replays and disputes are
the protocol's.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from hashlib import sha256

import jax
import numpy as np
import numpy.typing as npt

from trainer.learn import integer_step
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalResult, LocalTrainer
from trainer.learn.models import mlp
from trainer.learn.numerics import Numerics
from trainer.learn.task import Task
from trainer.protocol.acceptance import compute_accepted, compute_bitmap
from trainer.protocol.checks import CheckRules, Draw, compute_digest
from trainer.protocol.constants import FIRST_ROUND
from trainer.protocol.events import Revealed, RoundFinal
from trainer.protocol.gradient import pack_bits, unpack_bits
from trainer.protocol.judgement import State
from trainer.protocol.messages import Domains
from trainer.protocol.records import Round
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_gradient_root, compute_state_root
from trainer.protocol.types import BlockRef, Parameters
from trainer.roles.agreement import HONEST, MOMENTUM_ONLY, OWN_COPY, ignore_data, list_cheats
from trainer.roles.checking import DISPUTE_DEPTHS
from trainer.roles.plan import Plan, make_plan
from trainer.roles.replay import Stage, plan_replay, replay, replay_stage

FLIPPED, RANDOM = "signs flipped", "bits at random"
BLOCK = BlockRef(1, bytes(32), 1)

Key = tuple[str, int, int]  # kind, seat, height
Place = tuple[int, int, str]  # whose work, from which height, and the numerics of the checker
Tick = Callable[[float, str], None]  # rounds of training done since the last call, and what is being done


def make_wide_plan(heights: int, hidden: list[int]) -> Plan:
    """The plan of the preset `digits` with hidden layers of other widths."""
    plan = make_plan("digits", heights, None)
    model = {**plan.task.config["model"], "hidden": hidden}
    return replace(plan, task=Task.from_config({**plan.task.config, "task": mlp.NAME, "model": model}))


def make_numerics() -> list[Numerics]:
    """Both dtypes, each also with batches that are split over more devices."""
    kinds, devices = (("float32", 1), ("bfloat16", 1), ("float32", 2), ("float32", 4), ("bfloat16", 4)), jax.devices()
    if len(devices) < 4:
        raise SystemExit(f"{len(devices)} of 4 devices: XLA_FLAGS must have --xla_force_host_platform_device_count=4")
    return [Numerics(f"{t} on {n}", partial(LocalTrainer, dtype=t, devices=devices[:n])) for t, n in kinds]


@dataclass(frozen=True)
class Replayed:
    """Packed bits, and the seconds that the replay took."""

    bits: bytes
    seconds: float


class CheckedRun:
    """Seats of equal weight take the numerics in turns. `work`: packed bits by kind, seat and height, of HONEST and of
    each of `kinds`, mildest last. `streaks`: of the work that the gate accepted, how many heights in a row before it
    were accepted, too. `seconds`: of each honest round, by numerics.
    """

    def __init__(self, plan: Plan, seats: int, seed: int) -> None:
        self._plan, self._dataset = plan, plan.task.load_data(plan.task.build_shards())
        self.numerics = {each.name: each for each in make_numerics()}
        self.names = [list(self.numerics)[seat % len(self.numerics)] for seat in range(seats)]
        self.count, self.seats, self._seed = plan.task.layout.parameter_count, range(seats), seed
        self._cheats = {cheat.name: cheat for cheat in reversed(list_cheats(plan.settings))}
        self.kinds = [RANDOM, FLIPPED, OWN_COPY, MOMENTUM_ONLY, *self._cheats]
        self.states: list[State] = [plan.task.compute_genesis(seed)]
        self.run = RunState(_make_parameters(self.states[0], self.count), Domains.of(1, bytes(20)))
        self.work: dict[Key, bytes] = {}
        self.streaks: dict[Key, int] = {}
        self.seconds: dict[str, list[float]] = {name: [] for name in self.numerics}
        self._inner: dict[tuple[str, int], InnerState | None] = {}
        self._weights = dict.fromkeys(self.seats, 1)
        self._trainers: dict[tuple[str, str], LocalTrainer] = {}
        self._replays: dict[tuple[str, int, int, int], Replayed] = {}
        self._dice = np.random.default_rng(seed)

    def compute_cost(self) -> float:
        """Rounds of one seat's training that `play` takes."""
        return len(self.seats) * self._plan.schedule.total * (2 + sum(cheat.work for cheat in self._cheats.values()))

    def warm_up(self, tick: Tick) -> None:
        """Compiles all, so that nobody's seconds hold it."""
        for name in self.numerics:
            for kind in (HONEST, MOMENTUM_ONLY, *self._cheats):
                if kind == HONEST or name in self.names:
                    tick(0.0, f"compiling: {name}, {kind}")
                    self._get(name, kind).warm_up()

    def play(self, tick: Tick) -> None:
        """All heights. Whose work the gate rejects begins the next round cold."""
        for height in range(self._plan.schedule.total):
            stage, entering = self._open(height), dict(self._inner)
            for seat in self.seats:
                result = self._train(HONEST, seat, stage, entering.get((HONEST, seat)))
                self._inner[HONEST, seat] = result.inner_state
                self.seconds[self.names[seat]].append(result.seconds)
                tick(1.0, f"height {height}: seat {seat} trains")
            honest = {seat: self.work[HONEST, seat, height] for seat in self.seats}
            accepted = compute_accepted(honest, self._weights, self.count).passed
            if 2 * len(accepted) <= len(honest):
                raise SystemExit(f"height {height}: the gate accepts {sorted(accepted)} only, and the round is void")
            for seat in self.seats:
                self._note(HONEST, seat, height, seat in accepted)
                self._cheat(seat, stage, entering, tick)
                for kind in self.kinds:
                    # Alone in the seat's place among honest work.
                    candidates = {**honest, seat: self.work[kind, seat, height]}
                    passed = compute_accepted(candidates, self._weights, self.count).passed
                    self._note(kind, seat, height, seat in passed)
            self._close(height, honest, accepted)

    def list_drawn(self, rules: CheckRules) -> list[int]:
        """Heights whose rounds draw checkers."""
        return [h for h in range(self._plan.schedule.total) if rules.find_seed_round(FIRST_ROUND + h) is not None]

    def choose_places(self, rules: CheckRules, count: int) -> list[Place]:
        """So many places of honest work that can be checked, at random, each once; at most all that there are."""
        works = [(seat, height) for seat in self.seats for height in self.list_drawn(rules)]
        places = [(*work, name) for work in works if self.is_checked(HONEST, *work, rules) for name in self.numerics]
        return random.Random(self._seed).sample(places, min(count, len(places)))

    def is_checked(self, kind: str, seat: int, height: int, rules: CheckRules) -> bool:
        """Whether the replays of the seat's honest work are those of this work: it is accepted, and so was what it did
        in all heights that judges replay. Else replays would begin later, where its streak does.
        """
        return self.streaks.get((kind, seat, height), -1) >= min(DISPUTE_DEPTHS * rules.depth, height)

    def replay(self, name: str, seat: int, height: int, depth: int) -> Replayed:
        """What a checker with the numerics `name` gets for the honest work of a seat."""
        key = name, seat, height, depth
        if key not in self._replays:
            stages = plan_replay(self.run, FIRST_ROUND + height, seat, depth)
            started = time.perf_counter()
            result = replay(self._get(name), seat, stages, self.states.__getitem__, lambda: False)
            self._replays[key] = Replayed(result.bits, time.perf_counter() - started)
        return self._replays[key]

    def make_draw(self, name: str, seat: int, height: int, number: int) -> Draw:
        """One of many draws that make another seat check this one, with positions of its own."""
        round_id, others = FIRST_ROUND + height, [other for other in self.seats if other != seat]
        checker, key = others[number % len(others)], sha256(f"{name} {seat} {number}".encode()).digest()
        digest = compute_digest(self.run.domains.run, self.run.rounds[round_id].seed, key, checker, round_id)
        return Draw(round_id, checker, seat, digest)

    # ------------------------------------------------------------------ one round

    def _open(self, height: int) -> Stage:
        round_id, seed = FIRST_ROUND + height, sha256(b"false-alarms %d %d" % (self._seed, height)).digest()
        total, weights = len(self.seats), self._weights
        record = Round(round_id, height, total, total, 1, BLOCK, seed, weights, weights)
        record.firsts = dict.fromkeys(self.seats, FIRST_ROUND)
        self.run.rounds[round_id] = record
        return Stage(round_id, height, seed)

    def _close(self, height: int, honest: dict[int, bytes], accepted: frozenset[int]) -> None:
        record = self.run.rounds[FIRST_ROUND + height]
        for seat, bits in honest.items():
            root = compute_gradient_root(bits)
            record.reveals[seat] = Revealed(BLOCK, record.round, seat, root, bytes(32), 0)
        votes = [(honest[seat], 1) for seat in sorted(accepted)]
        state = integer_step.apply_step(self.states[height], votes, self._plan.schedule.compute_step(height))
        root, bitmap = compute_state_root(state), compute_bitmap(accepted)
        record.final = RoundFinal(BLOCK, record.round, height + 1, bitmap, 0, root, 0)
        self.run.finals.append(record.final)
        self.states.append(state)

    def _cheat(
        self, seat: int, stage: Stage, entering: Mapping[tuple[str, int], InnerState | None], tick: Tick
    ) -> None:
        """What each cheat would hand in. Those that train are at it from the start; the others, which is the least that
        they can be, were honest in the rounds before.
        """
        height = stage.height
        for kind in self._cheats:
            self._inner[kind, seat] = self._train(kind, seat, stage, entering.get((kind, seat))).inner_state
            tick(self._cheats[kind].work, f"height {height}: {kind}, seat {seat}")
        self._train(MOMENTUM_ONLY, seat, stage, entering.get((HONEST, seat)))
        tick(1.0, f"height {height}: {MOMENTUM_ONLY}, seat {seat}")
        self.work[OWN_COPY, seat, height] = self.work[HONEST, seat, max(height - 1, 0)]
        self.work[FLIPPED, seat, height] = self._pack(~unpack_bits(self.work[HONEST, seat, height], self.count))
        self.work[RANDOM, seat, height] = self._pack(self._dice.random(self.count) < 0.5)

    def _train(self, kind: str, seat: int, stage: Stage, inner: InnerState | None) -> LocalResult:
        """Fewer steps, or smaller batches, are the first of the seat's own."""
        cheat = self._cheats.get(kind)
        state = self.states[max(stage.height - 1, 0) if cheat and cheat.is_old else stage.height]
        whose = len(self.seats) + seat if cheat and cheat.is_elsewhere else seat
        result = replay_stage(self._get(self.names[seat], kind), whose, stage, state, inner, lambda: False)
        self.work[kind, seat, stage.height] = result.bits
        return result

    def _note(self, kind: str, seat: int, height: int, is_accepted: bool) -> None:
        """Goes on with a streak, or cuts it."""
        if is_accepted:
            before = kind if kind in self._cheats else HONEST
            self.streaks[kind, seat, height] = self.streaks.get((before, seat, height - 1), -1) + 1
        else:
            self._inner[kind, seat] = None

    def _get(self, name: str, kind: str = HONEST) -> LocalTrainer:
        """The trainer of numerics and a kind; made when first asked for."""
        if (name, kind) not in self._trainers:
            task, settings, cheat = self._plan.task, self._plan.settings, self._cheats.get(kind)
            if cheat is not None:
                settings = replace(settings, local_steps=cheat.steps, batch_size=cheat.batch_size)
            if kind == MOMENTUM_ONLY:
                task = replace(task, loss=ignore_data)
            made = self.numerics[name].make(task, self._dataset, settings, self._plan.schedule)
            self._trainers[name, kind] = made
        return self._trainers[name, kind]

    def _pack(self, moved_down: npt.NDArray[np.bool_]) -> bytes:
        return pack_bits(moved_down, np.zeros(self.count, np.bool_), 0)


def _make_parameters(genesis: State, count: int) -> Parameters:
    """Of a run without money and without a clock."""
    nothing = {field.name: 0 for field in fields(Parameters)}
    about = {"genesis_root": compute_state_root(genesis), "spec_digest": bytes(32), "parameter_count": count}
    return Parameters(**{**nothing, **about})
