"""The Node process that compiles and tests (worker.mjs), with a time limit for each request."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from scripts.mutate.tree import ROOT

Answer = dict[str, Any]


class WorkerStopped(Exception):
    """The process ended, or did not answer in time and was ended."""


class Worker:
    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.process: subprocess.Popen[str] | None = None
        self.answers: queue.Queue[str | None] = queue.Queue()

    def start(self) -> subprocess.Popen[str]:
        self.answers = queue.Queue()
        process = subprocess.Popen(
            [ROOT / ".venv" / "bin" / "node", Path(__file__).with_name("worker.mjs"), self.tree],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.process = process
        threading.Thread(target=self.read, args=(process, self.answers), daemon=True).start()
        return process

    @staticmethod
    def read(process: subprocess.Popen[str], answers: queue.Queue[str | None]) -> None:
        if process.stdout is not None:
            for line in process.stdout:
                answers.put(line)
        answers.put(None)

    def ask(self, limit: float, **request: Any) -> Answer:
        process = self.process or self.start()
        if process.stdin is None:
            raise WorkerStopped("no input")
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = self.answers.get(timeout=limit)
        except (queue.Empty, BrokenPipeError) as error:
            self.stop()
            raise WorkerStopped(f"no answer in {limit:.0f} s") from error
        if line is None:
            self.stop()
            raise WorkerStopped("the process ended")
        answer: Answer = json.loads(line)
        if "failure" in answer:
            raise RuntimeError(f"worker.mjs, {request['op']}: {answer['failure']}")
        return answer

    def stop(self) -> None:
        """The next request starts a new process."""
        if self.process is not None:
            # The whole group: .venv/bin/node is a wrapper that starts the real one.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
