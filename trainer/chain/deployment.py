"""What a deploy wrote: `deployments/<network>/<run>.json`. Enough to join, replay or audit a run without a compiler."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from trainer.chain.artifacts import Spans, compute_code_digest
from trainer.errors import UsageError
from trainer.files import write_whole
from trainer.protocol.types import Parameters

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NETWORKS = {31337: "devnet"}
HASHES = {"genesis_root", "spec_digest"}  # the parameters that are bytes
DIGESTS = ("code_digest", "settlement_digest")
SPANS = ("immutables", "settlement_immutables")


@dataclass(frozen=True)
class Deployment:
    """One run on one chain. `block` is the contract's first block; `code_digest` is the sha2-256 of its runtime code
    with the bytes of `immutables` set to zero, `settlement_digest` that of the contract that it created;
    `compiler_input` is the path of the exact standard JSON input, beside this file.
    """

    name: str
    chain_id: int
    address: str
    block: int
    owner: str
    parameters: Parameters
    abi: list[Any]
    code_digest: bytes
    immutables: Spans
    settlement_digest: bytes
    settlement_immutables: Spans
    compiler: str
    compiler_input: str
    metadata: str

    @property
    def network(self) -> str:
        """Name of the directory of the chain's runs."""
        return NETWORKS.get(self.chain_id, str(self.chain_id))

    def is_code(self, onchain: bytes) -> bool:
        """Whether the code at an address is that of the deployment."""
        return compute_code_digest(onchain, self.immutables) == self.code_digest

    def is_settlement_code(self, onchain: bytes) -> bool:
        """Whether the code at an address is that of the deployment's `Settlement`."""
        return compute_code_digest(onchain, self.settlement_immutables) == self.settlement_digest

    def save(self, directory: Path, compiler_input: dict[str, Any] | None = None) -> Path:
        """Writes `<directory>/<network>/<name>.json`, and the compiler's input beside it if given. Never over another
        run's file.
        """
        path = directory / self.network / f"{self.name}.json"
        if not NAME.fullmatch(self.name):
            raise UsageError(f"a run's name has letters, digits and _ . - only, not {self.name!r}")
        if path.exists() and self.network != "devnet":
            raise UsageError(f"{path} exists already; choose another name for the run")
        if compiler_input is not None:
            write_whole(path.parent / self.compiler_input, _encode(compiler_input), mode=0o644)
        data = asdict(self)
        data |= {name: "0x" + data[name].hex() for name in DIGESTS}
        data["parameters"] = {
            name: "0x" + value.hex() if name in HASHES else value for name, value in data["parameters"].items()
        }
        write_whole(path, _encode(data), mode=0o644)
        return path

    @staticmethod
    def load(path: Path) -> Deployment:
        """Reads a deployment's file."""
        try:
            data = json.loads(path.read_text())
            parameters: dict[str, Any] = {
                name: bytes.fromhex(value[2:]) if name in HASHES else value
                for name, value in data["parameters"].items()
            }
            data |= {"parameters": Parameters(**parameters)}
            data |= {name: bytes.fromhex(data[name][2:]) for name in DIGESTS}
            data |= {name: tuple((start, length) for start, length in data[name]) for name in SPANS}
            return Deployment(**{field.name: data[field.name] for field in fields(Deployment)})
        except OSError as error:
            raise UsageError(f"cannot read the run's file {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} is no run's file: {type(error).__name__} {error}") from None


def find_deployment(run: str, directory: Path) -> Deployment:
    """The deployment of `--run NAME|FILE`: a file, or a name that one network's directory under `directory` has."""
    if run.endswith(".json") or Path(run).is_file():
        return Deployment.load(Path(run))
    found = sorted(directory.glob(f"*/{run}.json")) if NAME.fullmatch(run) else []
    if len(found) == 1:
        return Deployment.load(found[0])
    if found:
        raise UsageError(f"several networks have a run {run!r}: give the file, one of {', '.join(map(str, found))}")
    known = (
        ", ".join(sorted(path.stem for path in directory.glob("*/*.json") if not path.stem.endswith(".input")))
        or "none"
    )
    raise UsageError(f"no run {run!r} in {directory} (there: {known})")


def _encode(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()
