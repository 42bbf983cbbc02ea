"""Disputes and charges on a worker's disk: neither a crash nor a restart lets a cheat go free."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.protocol.actions import Charge
from trainer.protocol.checks import Draw
from trainer.protocol.constants import MAX_SEATS
from trainer.protocol.disputes import Dispute
from trainer.roles.journal import Journal, write_file

Name = tuple[int, int]  # round and target


class Docket:
    """Open disputes by round and target, and what the judged ones came to. The bits lie in files, the rest in the
    journal.
    """

    def __init__(self, journal: Journal, directory: Path) -> None:
        self._journal, self._directory = journal, directory
        self.charges: set[Charge] = set()
        self.open: dict[Name, Dispute] = {}
        for record in journal.records:
            if record["kind"] == "dispute":
                self._reopen(record)
            elif record["kind"] == "verdict":
                self.open.pop((record["round"], record["target"]), None)
                self.charges |= {
                    Charge(record["round"], record["height"], accused, witness, bytes.fromhex(root))
                    for accused, witness, root in record["charges"]
                }

    def add(self, dispute: Dispute) -> bool:
        """Takes up a dispute; False if it is known."""
        name = (dispute.round, dispute.target)
        if name in self.open:
            return False
        write_file(self._path(name), dispute.bits)
        samples = [[draw.checker, draw.digest.hex(), sample.hex()] for draw, sample in dispute.samples]
        self._journal.append("dispute", round=dispute.round, target=dispute.target, samples=samples)
        self.open[name] = dispute
        return True

    def close(self, dispute: Dispute, height: int, charges: Sequence[Charge]) -> None:
        """A dispute is judged, or has lapsed. height: the one that its round made."""
        name = (dispute.round, dispute.target)
        found = [[charge.accused, charge.witness, charge.gradient_root.hex()] for charge in charges]
        self._journal.append("verdict", round=dispute.round, target=dispute.target, height=height, charges=found)
        self.charges |= set(charges)
        del self.open[name]
        with contextlib.suppress(FileNotFoundError):
            self._path(name).unlink()

    def _reopen(self, record: Mapping[str, Any]) -> None:
        name = (record["round"], record["target"])
        path = self._path(name)
        if not path.exists():
            return  # judged since
        samples = tuple(
            (Draw(name[0], checker, name[1], bytes.fromhex(digest)), bytes.fromhex(sample))
            for checker, digest, sample in record["samples"]
        )
        self.open[name] = Dispute(*name, path.read_bytes(), samples)

    def _path(self, name: Name) -> Path:
        return self._directory / f"{name[0] * MAX_SEATS + name[1]:013d}.bits"
