"""The copy of the checkout that is mutated: under .cache, so that no mutated artifact ever lies in artifacts/."""

import fcntl
import hashlib
import io
import re
import subprocess
import tarfile
from pathlib import Path, PurePosixPath
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "mutate"
COPIED = ("contracts", "tests", "hardhat.config.js", "package.json", "scripts/hardhat")
LINKED = ("node_modules", ".venv")


def take_lock() -> TextIO:
    """One run at a time: they share the copy. Held while the file is open."""
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = (CACHE / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SystemExit("mutate: another run is at work in this checkout: wait for its end") from error
    return lock


def make_tree(reference: str | None) -> Path:
    """Bring the copy up to the working tree, or to a commit. Unchanged files stay, and what Hardhat built from them."""
    tree = CACHE / "tree"
    wanted = read_commit(reference) if reference else read_working_tree()
    for old in [path for name in COPIED if (tree / name).exists() for path in [tree / name, *(tree / name).rglob("*")]]:
        if old.is_file() and old.relative_to(tree).as_posix() not in wanted:
            old.unlink()
    for name, data in wanted.items():
        path = tree / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    (tree / "scripts" / "hardhat").chmod(0o755)
    for name in LINKED:
        if not (tree / name).exists():
            (tree / name).symlink_to(ROOT / name)
    return tree


def read_working_tree() -> dict[str, bytes]:
    paths = [path for name in COPIED for path in [ROOT / name, *(ROOT / name).rglob("*")]]
    return {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    }


def read_commit(reference: str) -> dict[str, bytes]:
    archive = subprocess.run(["git", "archive", reference, *COPIED], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
        return {name: file.read() for name, file in files if file is not None}


def build_tree(tree: Path) -> None:
    """Compile contracts and tests as they are."""
    done = subprocess.run(
        [tree / "scripts" / "hardhat", "build", "--quiet"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"mutate: the unmutated sources do not compile\n{done.stdout}{done.stderr}")


def compute_digest(tree: Path) -> str:
    """Of all that a result depends on besides the tests."""
    tool = Path(__file__).parent
    paths = [
        *(tree / "contracts").rglob("*"),
        *(path for path in tool.iterdir() if path.suffix in (".py", ".mjs")),
        tree / "hardhat.config.js",
        ROOT / "package-lock.json",
    ]
    return digest_files([path for path in paths if path.suffix in (".sol", ".json", ".py", ".mjs", ".js")])


def digest_files(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        data = path.read_bytes()
        digest.update(f"{path.name} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:16]


def find_sources(tree: Path) -> list[str]:
    """What is mutated: everything but interfaces."""
    paths = (tree / "contracts").rglob("*.sol")
    return sorted(path.relative_to(tree).as_posix() for path in paths if path.parent.name != "interfaces")


class Imports:
    """Which file imports which, over any number of steps."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.cache: dict[str, frozenset[str]] = {}
        # What tests deploy: contracts of contracts/, and the harnesses.
        names = [*tree.glob("contracts/**/*.sol"), *tree.glob("tests/contracts/**/*.sol")]
        paths = (path.relative_to(tree).as_posix() for path in sorted(names))
        self.roots = [path for path in paths if not path.endswith(".t.sol") and (tree / "artifacts" / path).is_dir()]

    def closure(self, file: str) -> frozenset[str]:
        if file not in self.cache:
            text = (self.tree / file).read_text()
            found = {file}
            for target in re.findall(r"^\s*import\b[^;]*?[\"']([^\"']+)[\"']", text, re.MULTILINE):
                if target.startswith("."):
                    parts: list[str] = []
                    for part in (PurePosixPath(file).parent / target).parts:
                        if part == "..":
                            parts.pop()
                        else:
                            parts.append(part)
                    found |= self.closure("/".join(parts))
            self.cache[file] = frozenset(found)
        return self.cache[file]

    def roots_of(self, files: set[str]) -> list[str]:
        return [root for root in self.roots if self.closure(root) & files]


class Suites:
    """Digests of the tests that decide about a mutant."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.imports = Imports(tree)
        self.cache: dict[str, str] = {}

    def digest(self, suite: str) -> str:
        """Of a suite, `path:contract`, with all that it imports and the harnesses, which are deployed by name; of all
        tests where it names no file.
        """
        file = suite.rpartition(":")[0]
        if file not in self.cache:
            tests = self.tree / "tests" / "contracts"
            if not file:
                paths = set(tests.rglob("*.sol"))
            elif (self.tree / file).is_file():
                paths = {
                    *(self.tree / name for name in self.imports.closure(file)),
                    *(tests / "harness").rglob("*.sol"),
                }
            else:
                paths = set()
            self.cache[file] = digest_files(list(paths))
        return self.cache[file]
