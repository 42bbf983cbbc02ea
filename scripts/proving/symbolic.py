"""Runs halmos on the proofs of tests/symbolic and prints what each came to: scripts/prove symbolic [NAME...]

halmos reads the artifacts of forge. They are made here from the npm compiler's output, with the settings of the
deployed contract, so that the code that is proved is the code that these settings make.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from compiling import CACHE, ROOT, compile_json, get_settings, get_sources, parse

LIMIT_S = int(os.environ.get("COMITIA_PROOF_SECONDS", "240"))
OUT = CACHE / "out"

# Variants of the library, with the bodies that the files of tests/symbolic which import them want: without branches.
WIRED = {"_moveEight": "{ unchecked { return parameters ^ shares ^ (ONES * step); } }"}
OPEN = {
    "move": """{ unchecked {
        int256 exact = parameter - down;
        int256 low = int256(type(int32).min) - exact;
        int256 high = int256(type(int32).max) - exact;
        moved = exact + (low & ~(low >> 255)) + (high & (high >> 255));
    } }"""
}
SIGN_VOTE = "contracts/libraries/SignVote.sol"
OUTPUTS = ["abi", "metadata", "storageLayout", "evm.bytecode", "evm.deployedBytecode", "evm.methodIdentifiers"]


class Proof(NamedTuple):
    """One `check_` function."""

    contract: str
    signature: str

    @property
    def name(self) -> str:
        return self.signature.partition("(")[0]


def replace_bodies(source: str, bodies: dict[str, str]) -> str:
    """The source with other bodies for some functions, found by the compiler's own parser."""
    parsed = parse({"x.sol": {"content": source}})
    found = {}
    for contract in parsed["x.sol"]["nodes"]:
        for node in contract.get("nodes", ()):
            if node["nodeType"] == "FunctionDefinition" and node["name"] in bodies:
                start, length, _ = map(int, node["body"]["src"].split(":"))
                found[start, length] = bodies[node["name"]]
    if len(found) != len(bodies):
        raise SystemExit(f"symbolic: {SIGN_VOTE} no longer has exactly the functions {', '.join(bodies)}")
    data = source.encode()
    for (start, length), body in sorted(found.items(), reverse=True):
        data = data[:start] + body.encode() + data[start + length :]
    return data.decode()


def write_artifacts() -> list[Proof]:
    """Writes what `forge build --ast` would; returns the proofs."""
    sources = get_sources(ROOT, "contracts/interfaces/*.sol", "contracts/libraries/*.sol", "tests/symbolic/*.sol")
    for folder, bodies in (("wired", WIRED), ("open", OPEN)):
        variant = replace_bodies(sources[SIGN_VOTE]["content"], bodies).replace(") private pure", ") internal pure")
        sources[f"{folder}/SignVote.sol"] = {"content": variant}
    wanted = {name: {"*": OUTPUTS, "": ["ast"]} for name in sources if name.startswith("tests/symbolic/")}
    settings = get_settings() | {"outputSelection": wanted}
    output = compile_json(sources, settings)
    proofs = []
    for source, contracts in output["contracts"].items():
        for name, made in contracts.items():
            folder = OUT / Path(source).name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.json").write_text(json.dumps(to_artifact(made, output["sources"][source])))
            signatures = made["evm"]["methodIdentifiers"]
            proofs += [Proof(name, signature) for signature in signatures if signature.startswith("check_")]
    return sorted(proofs)


def to_artifact(made: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    """One contract as forge writes it."""
    artifact = {
        "abi": made["abi"],
        "methodIdentifiers": made["evm"]["methodIdentifiers"],
        "metadata": json.loads(made["metadata"] or "{}"),
        "storageLayout": made["storageLayout"],
        "ast": source["ast"],
        "id": source["id"],
    }
    for code in ("bytecode", "deployedBytecode"):
        artifact[code] = made["evm"][code] | {"object": "0x" + made["evm"][code]["object"]}
    return artifact


def prove(proof: Proof, limit: int) -> tuple[str, float]:
    """What halmos says of one proof within the limit, and the seconds it took."""
    binaries = Path(sys.executable).parent
    # Named by path: halmos downloads a solver that it does not find. It makes a folder in its home: below .cache.
    solver = f"{binaries / 'yices-smt2'} --smt2-model-format --bvconst-in-decimal"
    # fmt: off
    command = [
        sys.executable, ROOT / "scripts" / "proving" / "halmos_here.py",
        "--root", ROOT, "--forge-build-out", OUT.relative_to(ROOT),
        "--contract", proof.contract, "--match-test", rf"^{proof.name}\(", "--loop", "2000",
        "--panic-error-codes", "0x01" if "check_stepAt" in proof.name else "*", "--default-bytes-lengths", "4096",
        "--solver-command", solver, "--solver-threads", "1", "--no-status",
        "--solver-timeout-assertion", f"{limit}s",
    ]
    # fmt: on
    started = time.monotonic()
    log = CACHE / "logs" / f"{proof.contract}.{proof.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = os.environ | {"HOME": str(CACHE), "NO_COLOR": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # Its solvers are in its process group.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return judge(process.returncode, log.read_text(), proof), time.monotonic() - started


def judge(code: int, said: str, proof: Proof) -> str:
    """The verdict in one word; only a proof over all paths without a cut loop is one."""
    if code == -signal.SIGKILL or "[TIMEOUT]" in said:
        return "timed out"
    if code != 0 or "[PASS]" not in said or "1 passed; 0 failed" not in said:
        return "FAILED"
    if "loop-bound" in said.lower() or "incomplete" in said.lower():
        return "incomplete"
    return "bounded" if "_bounded" in proof.name else "proved"


def main() -> int:
    """All proofs, or those with a NAME in theirs."""
    # Two at a time would write each other's artifacts.
    lock = (CACHE / "symbolic.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    shutil.rmtree(OUT, ignore_errors=True)
    proofs = [proof for proof in write_artifacts() if not sys.argv[1:] or any(n in proof.name for n in sys.argv[1:])]
    if not proofs:
        print("symbolic: no proof has such a name", file=sys.stderr)
        return 2
    verdicts = []
    for number, proof in enumerate(proofs, 1):
        verdict, seconds = prove(proof, LIMIT_S)
        verdicts.append(verdict)
        print(f"{number:3}/{len(proofs)}  {verdict:10} {seconds:6.1f} s  {proof.contract}.{proof.name}", flush=True)
    for verdict in sorted(set(verdicts)):
        print(f"{verdicts.count(verdict)} {verdict}")
    good = all(verdict in {"proved", "bounded"} for verdict in verdicts)
    if not good:
        print(f"symbolic: what halmos said is in {CACHE / 'logs'}; COMITIA_PROOF_SECONDS sets the limit of each proof")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
