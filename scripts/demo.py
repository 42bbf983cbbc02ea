#!/usr/bin/env python3
"""The main job: a devnet, a deploy, four workers training one model by vote, one killed and back, a fifth that joins
late, and an audit at the end.

Everything is done by the commands that a participant would use; this script only types them, watches the chain, and
adds up.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from trainer.processes import Child

ROOT = Path(__file__).resolve().parents[1]
COMITIA = Path(sys.executable).with_name("comitia")
RUN = "demo"
WEIGHT = 10  # of every seat
KILLED, LATE = 2, 4  # which worker is killed; which joins late
STOP_SECONDS = 120  # for workers to end after the last height
BATCH_PROBE = 16  # examples in a local step of the warm-up that is measured
LOSS_EVERY = 5  # heights between two lines with the loss


def main() -> None:
    arguments = parse_arguments()
    started = time.monotonic()
    shutil.rmtree(arguments.home, ignore_errors=True)
    arguments.home.mkdir(parents=True)
    demo = Demo(arguments.home, arguments.preset, arguments.heights, arguments.training_seconds)
    try:
        demo.run(started)
    except KeyboardInterrupt:
        say("stopped by Ctrl-C")
        sys.exit(130)
    finally:
        demo.stop()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--home", type=Path, default=ROOT / "runs" / "demo", help="where everything of the demo lies; emptied first"
    )
    parser.add_argument("--heights", type=int, default=40, help="good rounds (default: 40)")
    parser.add_argument(
        "--preset",
        choices=("tiny", "bench", "demo"),
        default="demo",
        help="which model (default: demo, 250k parameters and more)",
    )
    parser.add_argument(
        "--training-seconds",
        type=float,
        default=8.0,
        help="training in a round that the batch size is chosen for (default: 8)",
    )
    return parser.parse_args()


class Demo:
    """One run of the demo. `processes`: everything that must not outlive it."""

    def __init__(self, home: Path, preset: str, heights: int, training_seconds: float) -> None:
        self.home, self.preset, self.heights, self.training_seconds = home, preset, heights, training_seconds
        self.devnet: dict[str, Any] = {}
        self.processes: dict[str, Child] = {}
        self.password = home / "password"

    # ------------------------------------------------------------------ the story

    def run(self, started: float) -> None:
        from watch import Watch  # beside this file; imports web3

        batch_size, seconds = self.measure()
        self.start_devnet()
        addresses = self.make_accounts()
        self.comitia("account", "fund", *addresses)
        say("deploying")
        deployed = self.deploy(batch_size, seconds)
        for worker in range(LATE):
            self.enter(worker)
        watch = Watch(self.devnet["rpc_url"], Path(deployed["file"]), self.home, say)
        kill_at, join_at = max(self.heights // 5, 2), max(self.heights * 2 // 5, 4)
        killed_at = back_at = late = None
        background = ThreadPoolExecutor(1)  # so that the progress goes on meanwhile
        while not watch.is_finished():
            self.check_processes()
            watch.poll()
            if killed_at is None and watch.height >= kill_at and watch.is_training():
                say(f"kill -9: worker {KILLED}")
                self.processes.pop(f"worker-{KILLED}").kill()
                killed_at = time.monotonic()
            if killed_at is not None and back_at is None and time.monotonic() - killed_at > self.training_seconds:
                self.start_worker(KILLED)
                back_at = watch.height
                say(f"worker {KILLED} is started again")
            if watch.height >= join_at and late is None:
                say(f"worker {LATE} joins late, from chain and IPFS alone")
                late = background.submit(self.enter, LATE)
            time.sleep(0.2)
        if late:
            late.result()
        self.wait_for_workers()
        say("all workers have stopped; auditing with another Kubo node and an empty home")
        audit = self.audit(deployed["address"])
        summary = watch.summarise(
            audit, started, training_seconds=seconds, batch_size=batch_size, killed=KILLED, late=LATE
        )
        (self.home / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        say(f"all figures: {self.home / 'summary.json'}")

    # ------------------------------------------------------------------ steps

    def measure(self) -> tuple[int, float]:
        """Batch size for rounds of about `training_seconds` with all workers on this machine at once, and the seconds
        to expect.
        """
        say("measuring a round of training, all workers at once (half a minute)")
        per_round = self.warm_up(BATCH_PROBE)
        batch_size = max(4, round(BATCH_PROBE * self.training_seconds / per_round))
        say(
            f"{per_round:.2f} s with batches of {BATCH_PROBE}; batches of {batch_size} make rounds of about "
            f"{self.training_seconds:g} s"
        )
        return batch_size, max(self.training_seconds, per_round * batch_size / BATCH_PROBE)

    def warm_up(self, batch_size: int) -> float:
        command = [
            sys.executable,
            "-m",
            "trainer.roles.warm_up",
            self.preset,
            str(self.heights),
            str(batch_size),
            str(self.home / "jax-cache"),
        ]
        probes = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) for _ in range(LATE + 1)]
        return max(float(probe.communicate()[0]) for probe in probes)

    def start_devnet(self) -> None:
        say("starting a devnet: anvil, and one Kubo node for each participant")
        file = self.home / "devnet" / "devnet.json"
        self.spawn("devnet", "devnet", "--home", str(file.parent), "--nodes", str(LATE + 1), "--block-time", "0.5")
        while not file.exists():
            self.check_processes()
            time.sleep(0.05)
        self.devnet = json.loads(file.read_text())

    def make_accounts(self) -> list[str]:
        descriptor = os.open(self.password, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        names = ["owner", *(f"worker-{worker}" for worker in range(LATE + 1))]
        return [
            self.comitia("account", "new", name, "--devnet", "--json", home=self.home_of(name))["address"]
            for name in names
        ]

    def deploy(self, batch_size: int, seconds: float) -> dict[str, Any]:
        return self.comitia(
            "deploy", RUN, "--preset", self.preset, "--heights", str(self.heights), "--batch-size", str(batch_size),
            "--min-weight", str(WEIGHT * LATE),
            "--training-seconds", str(seconds), "--account", "owner", "--ipfs-api", self.api(0), "--yes", "--json",
            home=self.home_of("owner"),
        )  # fmt: skip

    def join(self, worker: int) -> None:
        card = self.home / f"card-{worker}.json"
        name = f"worker-{worker}"
        printed = self.comitia(
            "seat", "card", "--run", RUN, "--account", name, "--ipfs-api", self.api(worker), home=self.home_of(name)
        )
        card.write_text(json.dumps(printed))
        found = self.comitia(
            "seat",
            "join",
            "--run",
            RUN,
            "--card",
            str(card),
            "--weight",
            str(WEIGHT),
            "--account",
            "owner",
            "--yes",
            "--json",
            home=self.home_of("owner"),
        )
        say(f"worker {worker} has seat {found['seat']}")

    def enter(self, worker: int) -> None:
        self.join(worker)
        self.start_worker(worker)

    def start_worker(self, worker: int) -> None:
        name = f"worker-{worker}"
        self.spawn(
            name,
            "worker",
            "--run",
            RUN,
            "--account",
            name,
            "--ipfs-api",
            self.api(worker),
            "--json",
            home=self.home_of(name),
        )

    def audit(self, address: str) -> dict[str, Any]:
        from trainer.blobs.daemon import KuboDaemon

        key = (self.home / "devnet" / "swarm.key").read_text()
        state = self.home / "final-state.bin"
        with KuboDaemon(self.home / "audit" / "kubo", key, name="auditor") as daemon:
            return self.comitia(
                "audit", "--address", address, "--ipfs-api", daemon.api, "--save", str(state), "--json",
                home=self.home / "audit" / "home",
            )  # fmt: skip

    # ------------------------------------------------------------------ processes

    def home_of(self, name: str) -> Path:
        return self.home / "homes" / name

    def api(self, node: int) -> str:
        return str(self.devnet["nodes"][node]["api"])

    def comitia(self, *arguments: str, home: Path | None = None) -> Any:
        done = subprocess.run(
            [COMITIA, *arguments],
            env=self.environment(home),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"comitia {' '.join(arguments)} failed ({done.returncode}):\n{done.stderr.decode()}")
        with contextlib.suppress(ValueError):
            return json.loads(done.stdout)
        return None

    def spawn(self, name: str, *arguments: str, home: Path | None = None) -> None:
        self.processes[name] = Child(name, [COMITIA, *arguments], self.home / f"{name}.log", self.environment(home))

    def environment(self, home: Path | None) -> dict[str, str]:
        return environment() | {
            "COMITIA_HOME": str(home or self.home / "homes" / "nobody"),
            "COMITIA_DEPLOYMENTS": str(self.home / "deployments"),
            "ETH_RPC_URL": str(self.devnet.get("rpc_url", "")),
            "ETH_PASSWORD": str(self.password),
        }

    def check_processes(self) -> None:
        for name, process in self.processes.items():
            if process.returncode not in (None, 0):
                sys.exit(f"{name} ended with {process.returncode}:\n{process.read_log()[-2000:]}")

    def wait_for_workers(self) -> None:
        workers = [name for name in self.processes if name.startswith("worker-")]
        end = time.monotonic() + STOP_SECONDS
        while any(self.processes[name].is_alive for name in workers):
            self.check_processes()
            if time.monotonic() > end:
                sys.exit(f"workers did not end after the last height; see {self.home}/worker-*.log")
            time.sleep(0.1)
        self.check_processes()

    def stop(self) -> None:
        for process in self.processes.values():
            process.request_stop()
        for process in self.processes.values():
            process.stop()


def environment() -> dict[str, str]:
    """One thread for each worker's arithmetic: four of them share the machine."""
    defaults = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}  # a fifth less CPU time
    return defaults | os.environ | {"PYTHONUNBUFFERED": "1"}


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main()
