"""The journal: what was said to be on disk is there after any crash, and nothing else is believed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from trainer.errors import JournalError, LockedError
from trainer.roles.journal import Journal, Lock, write_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is in the file, not of when it is on the disk: hundreds of waits take minutes on a busy one."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def write_some(path: Path, count: int = 4) -> list[int]:
    """A journal of some records; the sizes of the file after each."""
    journal = Journal(path)
    sizes = [0]
    for number in range(count):
        journal.append("work", round=number, seed="ab" * (number * 5), note="Zürich")
        sizes.append(path.stat().st_size)
    journal.close()
    return sizes


def rounds(path: Path) -> list[int]:
    journal = Journal(path)
    journal.close()
    return [record["round"] for record in journal.of_kind("work")]


def run_limited(code: str, *arguments: object, limit: int) -> subprocess.CompletedProcess[str]:
    """Python code in a process whose files may not grow beyond `limit` bytes: the nearest to a full disk."""
    prelude = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    command = [sys.executable, "-c", prelude + code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


# ---------------------------------------------------------------------- reading


def test_records_come_back_in_order_and_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "seat" / "journal.log"
    journal = Journal(path)
    journal.append("work", round=2, digest="aa")
    journal.append("outcome", round=2)
    journal.append("work", round=3, digest="bb")
    assert [record["round"] for record in journal.of_kind("work")] == [2, 3]
    journal.close()
    again = Journal(path)
    assert again.records == journal.records
    assert [record["kind"] for record in again.records] == ["work", "outcome", "work"]
    again.close()


def test_an_append_after_a_restart_follows_the_old_records(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    write_some(path, 2)
    journal = Journal(path)
    journal.append("work", round=9)
    journal.close()
    assert rounds(path) == [0, 1, 9]


@pytest.mark.usefixtures("no_waiting")
def test_torn_at_every_byte(tmp_path: Path) -> None:
    """After a crash anywhere, the records that were on disk are there, the torn one is gone, and writing goes on."""
    whole = tmp_path / "whole.log"
    sizes = write_some(whole)
    data = whole.read_bytes()
    for length in range(len(data) + 1):
        path = tmp_path / "torn.log"
        path.write_bytes(data[:length])
        complete = sum(size <= length for size in sizes) - 1
        assert rounds(path) == list(range(complete)), length
        assert path.stat().st_size == sizes[complete]
        journal = Journal(path)
        journal.append("work", round=77)
        journal.close()
        assert rounds(path) == [*range(complete), 77]


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("zeros", [1, 7, 8, 9, 64, 4096])
def test_a_tail_of_zeros_is_torn_too(tmp_path: Path, zeros: int) -> None:
    """Power cuts leave files that are longer than what was written to them."""
    path = tmp_path / "journal.log"
    sizes = write_some(path)
    path.write_bytes(path.read_bytes()[: sizes[2] + 5] + bytes(zeros))
    assert rounds(path) == [0, 1]
    path.write_bytes(path.read_bytes() + bytes(zeros))
    assert rounds(path) == [0, 1]


@pytest.mark.usefixtures("no_waiting")
def test_damage_in_the_middle_is_refused_at_every_byte(tmp_path: Path) -> None:
    """Lengths, checksums and payloads alike: no record before the last may be lost unseen."""
    whole = tmp_path / "whole.log"
    sizes = write_some(whole)
    data = whole.read_bytes()
    path = tmp_path / "damaged.log"
    for place in range(sizes[-2]):
        for flip in (0x01, 0x80):
            path.write_bytes(data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
            with pytest.raises(JournalError, match="damaged at byte"):
                Journal(path)
            assert path.stat().st_size == len(data)  # and nothing is cut off


def test_a_sound_record_that_is_no_json_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    payload = b"\xff not json"
    path.write_bytes(len(payload).to_bytes(4, "big") + zlib.crc32(payload).to_bytes(4, "big") + payload)
    with pytest.raises(JournalError, match="damaged at byte 0"):
        Journal(path)


# ---------------------------------------------------------------------- full disks


@pytest.mark.parametrize("room", [0, 1, 7, 8, 20])
def test_a_full_disk_is_one_clear_error_and_the_journal_stays_whole(tmp_path: Path, room: int) -> None:
    path = tmp_path / "journal.log"
    sizes = write_some(path)
    code = """
import sys
from pathlib import Path
from trainer.errors import JournalError
from trainer.roles.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(2):
    try:
        journal.append("work", round=50, note="x" * 100)
    except JournalError as error:
        print(error)
print(len(journal.records))
journal.close()
"""
    done = run_limited(code, path, limit=sizes[-1] + room)
    assert done.returncode == 0, done.stderr
    *lines, records = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"cannot write {path}: ") and "free some disk" in line for line in lines)
    assert int(records) == 4
    assert path.stat().st_size == sizes[-1]
    assert rounds(path) == [0, 1, 2, 3]


def test_a_disk_that_does_not_confirm_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.log")
    journal.append("work", round=1)

    def refuse(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(JournalError, match="No space left on device; free some disk"):
        journal.append("work", round=2)
    monkeypatch.undo()
    journal.append("work", round=3)
    journal.close()
    assert rounds(tmp_path / "journal.log") == [1, 3]


def test_every_append_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.log"
    journal = Journal(path)
    synced: list[int] = []
    real = os.fsync

    def sync(descriptor: int) -> None:
        real(descriptor)
        synced.append(path.stat().st_size)

    monkeypatch.setattr(os, "fsync", sync)
    journal.append("work", round=1)
    assert synced == [path.stat().st_size]
    journal.close()


def test_a_file_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "seat").write_text("")
    with pytest.raises(JournalError, match="cannot write"):
        Journal(tmp_path / "seat" / "journal.log")
    with pytest.raises(JournalError, match="cannot write"):
        Lock(tmp_path / "seat")


# ---------------------------------------------------------------------- whole files


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state" / "1.bin"
    write_file(path, b"old")
    code = """
import sys
from pathlib import Path
from trainer.errors import JournalError
from trainer.roles.journal import write_file
try:
    write_file(Path(sys.argv[1]), b"n" * 1000)
except JournalError as error:
    print(error)
"""
    done = run_limited(code, path, limit=500)
    assert done.stdout.startswith(f"cannot write {path}: "), done.stderr
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["1.bin"]
    write_file(path, b"new")
    assert path.read_bytes() == b"new"


# ---------------------------------------------------------------------- lock


HOLD = """
import sys
from pathlib import Path
from trainer.roles.journal import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_refuses_a_second_holder_in_this_process_and_another(tmp_path: Path) -> None:
    seat = tmp_path / "seat"
    lock = Lock(seat)
    with pytest.raises(LockedError, match=r"another worker runs with .*seat; stop it first"):
        Lock(seat)
    lock.release()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(seat)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockedError):
            Lock(seat)
        process.kill()  # a crash leaves no lock behind
    Lock(seat).release()


def test_the_journal_is_plain_json(tmp_path: Path) -> None:
    """So that a person can read it, and another program can."""
    path = tmp_path / "journal.log"
    write_some(path, 1)
    data = path.read_bytes()
    assert json.loads(data[8:]) == {"kind": "work", "note": "Zürich", "round": 0, "seed": ""}
