"""Compiles the contract with py-solc-x: ABI, bytecode, and whether the code at an address is ours.

Compiler input and settings equal Hardhat's, source keys included, so the bytecode is the one that the Solidity tests
ran, metadata hash and all (tests/integration/test_chain.py compares). Source keys are relative: the machine's paths do
not leak into the metadata.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import ComitiaError, UsageError
from trainer.files import write_whole

ROOT = Path(__file__).resolve().parents[2]
RUN = "TrainingRun"
SETTLEMENT = "Settlement"  # whose code a run executes between rounds; its constructor creates it
KEY_PREFIX = "project/"  # Hardhat 3 puts it before the path of every source of the project
IMPORT = re.compile(r"""^\s*import\b[^;"']*["']([^"']+)["']""", re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)

Spans = tuple[tuple[int, int], ...]  # (start, length) in bytes


@dataclass(frozen=True)
class Code:
    """A contract's code: what creates it, and what is then there. `immutables`: where the constructor writes values
    into it, which are zero in `runtime`.
    """

    creation: bytes
    runtime: bytes
    immutables: Spans

    @property
    def digest(self) -> bytes:
        """sha2-256 of the code with its immutables set to zero."""
        return compute_code_digest(self.runtime, self.immutables)

    def is_same(self, onchain: bytes) -> bool:
        """Whether the code at an address is this, immutables aside (they are the run's parameters, which the chain
        tells).
        """
        return compute_code_digest(onchain, self.immutables) == self.digest


@dataclass(frozen=True)
class Artifact(Code):
    """The compiled contract, and the code of the one that its constructor creates."""

    abi: list[Any]
    settlement: Code
    metadata: str
    compiler_input: dict[str, Any]
    compiler: str


def compile_contract(root: Path = ROOT) -> Artifact:
    """Compiles `contracts/TrainingRun.sol` and what it creates (20 to 40 s), or takes the result from `.cache/solc`,
    which is keyed by the whole input.
    """
    data, version = build_compiler_input(root, _path_of(RUN))
    digest = hashlib.sha256(json.dumps([version, data], sort_keys=True).encode()).hexdigest()
    cache = root / ".cache" / "solc" / f"{RUN}-{SETTLEMENT}-{digest[:32]}.json"
    if cache.is_file():
        outputs = json.loads(cache.read_text())
    else:
        found = _compile(root, data, version)["contracts"]
        outputs = {name: found[KEY_PREFIX + _path_of(name)][name] for name in (RUN, SETTLEMENT)}
        write_whole(cache, json.dumps(outputs).encode(), mode=0o644)
    output = outputs[RUN]
    code = _read_code(output)
    return Artifact(
        creation=code.creation,
        runtime=code.runtime,
        immutables=code.immutables,
        abi=output["abi"],
        settlement=_read_code(outputs[SETTLEMENT]),
        metadata=output["metadata"],
        compiler_input=data,
        compiler=version,
    )


def build_compiler_input(root: Path, path: str) -> tuple[dict[str, Any], str]:
    """Standard JSON input for one source and what it imports, and the compiler's version. Settings from
    contracts/solc.json.
    """
    try:
        settings = json.loads((root / "contracts" / "solc.json").read_text())
        sources: dict[str, dict[str, str]] = {}
        _collect(root, path, sources)
    except OSError as error:
        raise UsageError(f"the contract's sources are not in {root}: {error.strerror} ({error.filename})") from None
    data = {
        "language": "Solidity",
        "sources": dict(sorted(sources.items())),
        "settings": {**settings["settings"], "remappings": []},
    }
    return data, settings["version"]


def mask_immutables(code: bytes, immutables: Sequence[Sequence[int]]) -> bytes:
    """Code with the bytes of its immutables set to zero, as the compiler wrote them."""
    masked = bytearray(code)
    for start, length in immutables:
        masked[start : start + length] = bytes(length)
    return bytes(masked[: len(code)])


def compute_code_digest(code: bytes, immutables: Sequence[Sequence[int]]) -> bytes:
    """sha2-256 of runtime code with its immutables set to zero."""
    return hashlib.sha256(mask_immutables(code, immutables)).digest()


def _path_of(name: str) -> str:
    return f"contracts/{name}.sol"


def _read_code(output: dict[str, Any]) -> Code:
    creation, runtime = output["evm"]["bytecode"], output["evm"]["deployedBytecode"]
    spans = (span for spans in runtime["immutableReferences"].values() for span in spans)
    return Code(
        creation=bytes.fromhex(creation["object"]),
        runtime=bytes.fromhex(runtime["object"]),
        immutables=tuple(sorted((span["start"], span["length"]) for span in spans)),
    )


def _collect(root: Path, path: str, sources: dict[str, dict[str, str]]) -> None:
    key = KEY_PREFIX + path
    if key in sources:
        return
    text = (root / path).read_text(encoding="utf-8")
    sources[key] = {"content": text}
    for target in IMPORT.findall(COMMENT.sub("", text)):
        if not target.startswith("."):
            raise UsageError(
                f"{path} imports {target}: Hardhat has other source keys for packages, which this does not build"
            )
        _collect(root, posixpath.normpath(posixpath.join(posixpath.dirname(path), target)), sources)


def _compile(root: Path, data: dict[str, Any], version: str) -> Any:
    import solcx
    from solcx.exceptions import SolcError
    from solcx.wrapper import get_solc_version

    solc = root / "scripts" / "solc-node"
    try:
        found = str(get_solc_version(solc))
        if found != version:
            raise UsageError(f"{solc} is solc {found}, contracts/solc.json asks for {version}: run scripts/setup")
        return solcx.compile_standard(data, solc_binary=solc)
    except SolcError as error:
        raise ComitiaError(f"the contract does not compile: {error.message}") from None
    except OSError as error:
        raise UsageError(f"the compiler {solc} does not start ({error}): run scripts/setup") from None
