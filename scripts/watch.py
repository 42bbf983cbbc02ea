"""What the demo shows while it runs and adds up at the end: from the chain, and from the workers' own logs where it
says so.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.chain.client import RunClient
from trainer.chain.deployment import Deployment
from trainer.chain.feed import EventFeed
from trainer.errors import UnreachableError
from trainer.learn.checkpoint import parse_state
from trainer.protocol.acceptance import compute_members
from trainer.protocol.sealing import sealed_length
from trainer.protocol.types import Phase
from trainer.roles.replica import ChainReplica

CALLDATA_BYTES = {"commit": 4 + 6 * 32, "reveal": 4 + 5 * 32, "vote": 4 + 7 * 32}
VALIDATION_BATCH, VALIDATION_BATCHES = 64, 32
PROMPT = "And God said"

Say = Callable[[str], None]


class Watch:
    """Follows the run of a demo."""

    def __init__(self, rpc_url: str, deployment: Path, home: Path, say: Say) -> None:
        self.deployment = Deployment.load(deployment)
        client = RunClient([rpc_url], self.deployment)
        self._replica = ChainReplica(
            EventFeed(client, self.deployment.block), self.deployment.parameters, client.domains
        )
        self._home, self._say = home, say
        self._seen: tuple[Any, ...] = ()
        self._phase = Phase.IDLE

    @property
    def height(self) -> int:
        """Good rounds so far."""
        return self._replica.run.height

    def is_training(self) -> bool:
        """Whether the current round is in its commit phase."""
        return self._phase is Phase.COMMIT

    def is_finished(self) -> bool:
        """Whether the last height is final."""
        return self._phase is Phase.FINISHED

    def poll(self) -> None:
        """Looks at the chain and prints what changed."""
        try:
            head = self._replica.poll()
        except UnreachableError as error:
            self._say(f"waiting: {error}")
            return
        run = self._replica.run
        self._phase, _ = run.compute_phase(head.time)
        record = run.current
        if record is None:
            return
        clock = run.clock
        voted = sum(record.vote_weights.values())
        seen = (record.round, self._phase, clock.committed, clock.revealed, voted)
        if seen == self._seen:
            return
        is_new = not self._seen or self._seen[0] != record.round
        self._seen = seen
        if is_new and run.finals:
            final = run.finals[-1]
            self._say(
                f"height {final.height}/{self.deployment.parameters.total_heights}: accepted "
                f"{sorted(compute_members(final.accepted))}{self._get_loss(final.round)}"
            )
        self._say(
            f"round {record.round} {self._phase.name.lower():<7} weight {clock.active}: committed {clock.committed}, "
            f"revealed {clock.revealed}, voted {voted}"
        )

    def _get_loss(self, round_id: int) -> str:
        """Mean local loss of a round's accepted gradients: self-reported in their headers, as a worker read them."""
        for line in self._read_logs():
            if line["event"] == "judged" and line["round"] == round_id and line["loss"] is not None:
                return f", loss {line['loss']:.3f} (self-reported)"
        return ""

    def _read_logs(self) -> list[dict[str, Any]]:
        lines = []
        for path in sorted(self._home.glob("worker-*.log")):
            for text in path.read_text().splitlines():
                if text.startswith("{"):
                    lines.append(json.loads(text) | {"worker": path.stem})
        return lines

    # ------------------------------------------------------------------ summary

    def summarise(
        self, audit: dict[str, Any], started: float, *, training_seconds: float, batch_size: int, killed: int, late: int
    ) -> dict[str, Any]:
        """Adds up, prints, and returns the figures of runs/demo/summary.json."""
        self.poll()
        logs = self._read_logs()
        state = parse_state((self._home / "final-state.bin").read_bytes())
        model = self._evaluate(state)
        parameters = self.deployment.parameters
        run = self._replica.run
        blob = sealed_length(parameters.parameter_count)
        sent = blob + sum(CALLDATA_BYTES.values())
        all_reduce = 4 * parameters.parameter_count * model["local_steps"]
        span = run.finals[-1].block.time - run.rounds[min(run.rounds)].opened.time
        training = self._sum_training(logs)
        summary = {
            "heights": run.height,
            "rounds": len(run.rounds),
            "parameters": parameters.parameter_count,
            "batch_size": batch_size,
            **model,
            "bytes_per_seat_round": sent,
            "bytes_all_reduce_round": all_reduce,
            "bytes_ratio": round(all_reduce / sent, 1),
            "gas_per_seat_round": self._compute_gas(logs),
            "training_seconds_round": round(training / run.height, 2),
            "run_seconds": span,
            "share_not_training": round(1 - training / span, 4),
            "where_it_goes": self._explain_rest(training, span),
            "killed": self._describe_return(killed, logs),
            "late": self._describe_return(late, logs),
            "audit": audit["verdict"],
            "audit_seconds": audit["seconds"],
            "audit_share_of_run": round(audit["seconds"] / span, 3),
            "seconds": round(time.monotonic() - started, 1),
            "home": str(self._home),
        }
        self._print(summary, training_seconds)
        return summary

    def _sum_training(self, logs: list[dict[str, Any]]) -> float:
        """Seconds of training, the slowest accepted seat of each good round: what no protocol could save."""
        slowest: dict[int, float] = defaultdict(float)
        for line in logs:
            if line["event"] == "trained":
                slowest[line["round"]] = max(slowest[line["round"]], line["seconds"])
        return sum(slowest[final.round] for final in self._replica.run.finals)

    def _explain_rest(self, training: float, span: int) -> dict[str, float]:
        """Seconds of a good round, on average: reveals and votes by the blocks' times; `other`: waiting for the blocks
        of commits and for who is late or dead, void rounds, less what was trained while the vote ran.
        """
        run = self._replica.run
        records = [run.rounds[final.round] for final in run.finals]
        commits = [max(commit.block.time for commit in record.commits.values()) for record in records]
        reveals = [max(reveal.block.time for reveal in record.reveals.values()) for record in records]
        count = len(records)
        reveal = sum(end - start for start, end in zip(commits, reveals, strict=True)) / count
        vote = sum(r.final.block.time - end for r, end in zip(records, reveals, strict=True) if r.final) / count
        other = (span - training) / count - reveal - vote
        return {"reveal": round(reveal, 2), "vote": round(vote, 2), "other": round(other, 2)}

    def _compute_gas(self, logs: list[dict[str, Any]]) -> int:
        """Median over seats and rounds of commit + reveal + vote, from receipts."""
        gas: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
        for line in logs:
            if line["event"] == "mined" and line["call"] in CALLDATA_BYTES:
                gas[line["worker"], line["round"]][line["call"]] = line["gas"]
        return round(
            statistics.median(sum(calls.values()) for calls in gas.values() if len(calls) == len(CALLDATA_BYTES))
        )

    def _describe_return(self, worker: int, logs: list[dict[str, Any]]) -> dict[str, Any]:
        """How many rounds after it was (again) ready a worker was accepted: its last start, from its log; the rest from
        the chain.
        """
        own = [line for line in logs if line["worker"] == f"worker-{worker}"]
        start = max(line["time"] for line in own if line["event"] == "started")
        seat = next(line["seat"] for line in own if line["event"] == "started")
        run = self._replica.run
        after = [
            record
            for _, record in sorted(run.rounds.items())
            if record.opened.time >= start and record.active and run.seats[seat].is_active(record.round)
        ]
        position = next(
            (i for i, record in enumerate(after) if record.final and (record.final.accepted >> seat) & 1), None
        )
        return {
            "seat": seat,
            "accepted_after_rounds": None if position is None else position + 1,
            "accepted": sum((f.accepted >> seat) & 1 for f in run.finals),
        }

    def _evaluate(self, state: Any) -> dict[str, Any]:
        from trainer.blobs.kubo import KuboStore
        from trainer.learn.data import compute_entropies
        from trainer.learn.evaluate import Evaluator
        from trainer.learn.task import Task
        from trainer.roles.library import load_library

        devnet = json.loads((self._home / "devnet" / "devnet.json").read_text())
        library = load_library(KuboStore(devnet["nodes"][0]["api"]), self.deployment.parameters, time.monotonic)
        task = Task.from_config(dict(library.specification.task))
        dataset = task.load_data(library.shards)
        evaluator = Evaluator(task)
        unigram, bigram = compute_entropies(dataset)
        losses = [
            evaluator.compute_validation_loss(s, dataset, VALIDATION_BATCH, VALIDATION_BATCHES)
            for s in (library.genesis, state)
        ]
        return {
            "loss_start": round(losses[0], 4),
            "loss_end": round(losses[1], 4),
            "loss_unigram": round(unigram, 4),
            "loss_bigram": round(bigram, 4),
            "local_steps": library.specification.training["local"]["local_steps"],
            "sample": PROMPT + evaluator.sample(state, dataset, PROMPT, 300, 1, 0.8),
        }

    def _print(self, summary: dict[str, Any], training_seconds: float) -> None:
        say, s = self._say, summary
        say(
            f"validation loss {s['loss_start']:.3f} -> {s['loss_end']:.3f} nats a character (unigrams "
            f"{s['loss_unigram']:.3f}, bigrams {s['loss_bigram']:.3f})"
        )
        say(
            f"sent by a seat in a round: {s['bytes_per_seat_round']:,} bytes (sealed blob + calldata); an fp32 "
            f"all-reduce at every step: {s['bytes_all_reduce_round']:,}, {s['bytes_ratio']} times as much"
        )
        say(f"gas of a seat in a round: {s['gas_per_seat_round']:,} (median of commit + reveal + vote)")
        say(
            f"not training: {100 * s['share_not_training']:.1f} % of {s['run_seconds']} s, rounds of "
            f"{s['training_seconds_round']} s of training ({training_seconds:g} intended), the kill included; a round "
            f"also takes {s['where_it_goes']['reveal']} s to reveal, {s['where_it_goes']['vote']} s to vote, "
            f"{s['where_it_goes']['other']} s for other waiting"
        )
        say(
            f"the killed worker was accepted again {s['killed']['accepted_after_rounds']} round(s) after it was back; "
            f"the late one {s['late']['accepted_after_rounds']} after its activation"
        )
        say(
            f"audit: {s['audit']} in {s['audit_seconds']} s ({100 * s['audit_share_of_run']:.0f} % of the run's "
            f"time), all {s['heights']} roots equal"
        )
        say(f"the model writes: {s['sample']!r}")
        say(
            f"everything lies in {s['home']}: workers' logs, homes, deployments, the last state; {s['seconds']} s in "
            f"all"
        )
