"""Where the programs of others are found, and what is said when they are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.config import BLOBS, find_anvil, find_kubo
from trainer.errors import UsageError

MakeProgram = Callable[..., Path]


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    def make(name: str, says: str, code: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache" / "kubo").mkdir(parents=True)
    return tmp_path / "cache"


def test_the_variable_goes_before_setups_choice_before_path(make_program: MakeProgram, cache: Path) -> None:
    named, written, on_path = (
        make_program(f"{place}/ipfs", f"ipfs version 0.43.{index}")
        for index, place in enumerate(("named", "written", "path"))
    )
    (cache / "kubo" / "path").write_text(f"{written}\n")
    path = str(on_path.parent)
    assert find_kubo({"IPFS_BIN": str(named), "PATH": path}, cache) == named
    assert find_kubo({"IPFS_BIN": "", "PATH": path}, cache) == written
    (cache / "kubo" / "path").unlink()
    assert find_kubo({"PATH": path}, cache) == on_path


def test_anvil_is_found_the_same_way(make_program: MakeProgram, cache: Path) -> None:
    written = make_program("a/anvil", "anvil Version: 1.7.1")
    (cache / "anvil.path").write_text(f"{written}\n")
    assert find_anvil({"PATH": ""}, cache) == written
    named = make_program("b/anvil", "anvil Version: 1.7.0-stable")
    assert find_anvil({"ANVIL_BIN": str(named), "PATH": ""}, cache) == named


@pytest.mark.parametrize("find", [find_kubo, find_anvil])
def test_nothing_found_says_what_to_do(find: Callable[..., Path], cache: Path) -> None:
    variable = "IPFS_BIN" if find is find_kubo else "ANVIL_BIN"
    with pytest.raises(UsageError, match=f"was not found: run `make setup` or set {variable} to"):
        find({"PATH": ""}, cache)


@pytest.mark.parametrize("version", ["0.42.9", "0.44.0", "0.430.1", "1.43.0"])
def test_another_series_is_refused_by_name(make_program: MakeProgram, cache: Path, version: str) -> None:
    program = make_program("ipfs", f"ipfs version {version}")
    with pytest.raises(UsageError, match=rf"IPFS_BIN=.*ipfs is Kubo {version}, wanted is 0\.43: run `make setup`"):
        find_kubo({"IPFS_BIN": str(program), "PATH": ""}, cache)


def test_what_is_no_kubo_is_refused(make_program: MakeProgram, cache: Path, tmp_path: Path) -> None:
    programs = [
        make_program("other", "hello"),
        make_program("broken", "ipfs version 0.43.0", code=1),
        tmp_path / "missing",
    ]
    for program in programs:
        with pytest.raises(UsageError, match="is no Kubo"):
            find_kubo({"IPFS_BIN": str(program), "PATH": ""}, cache)


def test_a_wrong_choice_is_an_error_and_no_reason_to_look_further(make_program: MakeProgram, cache: Path) -> None:
    """Silently running another program than the one a person named is worse than stopping."""
    good = make_program("path/ipfs", "ipfs version 0.43.0")
    (cache / "kubo" / "path").write_text("/nowhere/ipfs\n")
    with pytest.raises(UsageError, match=r"/nowhere/ipfs \(from .*kubo/path\) is no Kubo"):
        find_kubo({"PATH": str(good.parent)}, cache)


def test_defaults_fit_each_other() -> None:
    assert BLOBS.repeats_at_once < BLOBS.fetches_at_once
    assert BLOBS.first_wait <= BLOBS.longest_wait
    assert BLOBS.pause < BLOBS.first_wait
