"""What a watcher keeps, reads and sends: states on disk, paths in calldata, transactions that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types

import trainer.chain.answers as reading
from trainer.chain.artifacts import compile_contract
from trainer.chain.calls import Call
from trainer.chain.client import RunClient
from trainer.chain.sender import Sender
from trainer.errors import ContractRevert, LockedError
from trainer.protocol.constants import CHUNK
from trainer.protocol.events import Answered, RoundFinal
from trainer.protocol.judgement import State
from trainer.protocol.run_state import RunState
from trainer.protocol.tree import compute_depth, compute_path, compute_state_leaves, compute_state_root
from trainer.protocol.types import BlockRef
from trainer.roles.errands import PAUSE, Errands
from trainer.roles.examination import Examination
from trainer.roles.shelf import NEWEST, SPACING, Shelf
from trainer.roles.suspicion import Suspicion
from trainer.roles.watch_plan import Target, Verdict

ROUND, HEIGHT, CHUNKS = 9, 5, 12


def make_state(number: int, chunks: int = 1) -> State:
    return np.arange(number, number + chunks * CHUNK, dtype=np.int32)


# ---------------------------------------------------------------------- shelf


@contextmanager
def open_shelf(path: Path) -> Iterator[Shelf]:
    shelf = Shelf(path)
    try:
        yield shelf
    finally:
        shelf.close()


def save(shelf: Shelf, height: int, number: int | None = None) -> bytes:
    state = make_state(height if number is None else number)
    root = compute_state_root(state)
    shelf.save(height, root, state)
    return root


def test_the_newest_state_that_the_chain_has_is_found_by_its_root(tmp_path: Path) -> None:
    with open_shelf(tmp_path) as shelf:
        roots = {height: save(shelf, height) for height in (1, 2, 3)}
        lie = save(shelf, 3, number=99)
    with open_shelf(tmp_path) as shelf:
        height, state = shelf.find(3, roots.__getitem__) or pytest.fail("none found")
        assert (height, compute_state_root(state)) == (3, roots[3])
        assert (shelf.find(3, {**roots, 3: lie}.__getitem__) or pytest.fail("none found"))[1][0] == 99
        assert (shelf.find(3, {**roots, 3: bytes(32)}.__getitem__) or pytest.fail("none found"))[0] == 2
        assert (shelf.find(1, roots.__getitem__) or pytest.fail("none found"))[0] == 1
        assert shelf.find(0, roots.__getitem__) is None


def test_a_damaged_state_is_passed_over(tmp_path: Path) -> None:
    with open_shelf(tmp_path) as shelf:
        roots = {height: save(shelf, height) for height in (1, 2)}
        (path,) = (tmp_path / "state").glob("*2-*.bin")
        data = bytearray(path.read_bytes())
        data[7] ^= 1
        path.write_bytes(data)
        assert (shelf.find(2, roots.__getitem__) or pytest.fail("none found"))[0] == 1
        path.write_bytes(b"")
        assert (shelf.find(2, roots.__getitem__) or pytest.fail("none found"))[0] == 1


def test_what_no_answer_can_ask_for_is_dropped(tmp_path: Path) -> None:
    with open_shelf(tmp_path) as shelf:
        for height in range(1, 41):
            save(shelf, height)
        shelf.prune(40, safe=18)
        kept = sorted(int(path.stem.partition("-")[0]) for path in (tmp_path / "state").iterdir())
        assert kept == sorted({18, *range(40 - NEWEST + 1, 41), *(h for h in range(19, 41) if h % SPACING == 0)})


def test_a_directory_has_one_watcher(tmp_path: Path) -> None:
    with open_shelf(tmp_path), pytest.raises(LockedError, match="another watcher"):
        Shelf(tmp_path)
    with open_shelf(tmp_path):
        pass


# ---------------------------------------------------------------------- calldata


@pytest.fixture(scope="module")
def abi() -> list[Any]:
    return compile_contract().abi


def make_calldata(abi: list[Any], chunk: int, path: bytes, round_id: int = ROUND) -> bytes:
    layout = next(item for item in abi if item.get("name") == "answer")
    arguments: tuple[object, ...] = (round_id, chunk, (0, 0, []), b"bits", b"old", b"old path", path)
    return bytes(function_abi_to_4byte_selector(layout)) + encode(get_abi_input_types(layout), arguments)


def make_client(abi: list[Any], *inputs: bytes) -> RunClient:
    block = {"transactions": [{"input": data} for data in inputs]}
    eth = SimpleNamespace(get_block=lambda *_, **__: block)
    return cast(RunClient, SimpleNamespace(abi=abi, node=SimpleNamespace(w3=SimpleNamespace(eth=eth))))


def test_a_path_is_read_wherever_the_call_stands_and_only_if_it_is_right(abi: list[Any]) -> None:
    right, wrong = b"R" * 64, b"W" * 64
    good, bad = make_calldata(abi, 3, right), make_calldata(abi, 3, wrong)

    def find(*inputs: bytes) -> bytes | None:
        return reading.find_new_path(make_client(abi, *inputs), bytes(32), ROUND, 3, lambda path: path == right)

    assert find(good) == right
    assert find(b"", b"other", bad, good) == right
    assert find(b"a contract of its own" + bad + good + bytes(13)) == right, "inside another call"
    assert find(bad) is None
    assert find(make_calldata(abi, 4, right), make_calldata(abi, 3, right, ROUND + 1)) is None
    assert find(good[:-40], good[:70], good[:40]) is None, "cut off"
    assert find() is None


# ---------------------------------------------------------------------- suspicion


def find_target(
    abi: list[Any], altered: int, *answered: int, claimed: dict[int, State] | None = None, bait: bytes = b""
) -> Target:
    """What is suspect after answers for these chunks of a state of twelve in which one parameter was altered. bait:
    calldata of a transaction in the same block.
    """
    own = make_state(7, CHUNKS)
    lie = own.copy()
    lie[altered * CHUNK + 1] += 1
    leaves, block = compute_state_leaves(lie), BlockRef(4, bytes(32), 1_000)
    depth = compute_depth(CHUNKS)
    final = RoundFinal(block, ROUND, HEIGHT, 1, 0, compute_state_root(lie), 1)
    run = cast(RunState, SimpleNamespace(rounds={ROUND: SimpleNamespace(final=final)}))
    wrong = Examination(ROUND, HEIGHT, Verdict.WRONG, own, own, compute_state_root(own), {})
    inputs = [make_calldata(abi, chunk, b"".join(compute_path(leaves, depth, chunk))) for chunk in answered]
    events = [Answered(BlockRef(5 + n, bytes(32), 1_010 + n), ROUND, c, "0x", 0, False) for n, c in enumerate(answered)]
    return Suspicion(make_client(abi, bait, *inputs), claimed or {}).find(run, wrong, events) or pytest.fail(
        "no target"
    )


def test_answers_lead_to_the_altered_chunk(abi: list[Any]) -> None:
    target = find_target(abi, 7)
    assert (target.suspects, target.since, target.claimed) == (range(12), 1_000, None)
    assert find_target(abi, 7, 0).suspects == range(4, 8)
    assert find_target(abi, 7, 0, 4).suspects == range(6, 8)
    assert find_target(abi, 7, 0, 4, 6).suspects == range(7, 8)
    assert find_target(abi, 7, 0, 4, 6).since == 1_012
    assert find_target(abi, 7, 6, 0).suspects == range(7, 8), "whatever came first"
    assert find_target(abi, 11, 0).suspects == range(8, 12)


@pytest.mark.parametrize("altered", range(CHUNKS))
def test_the_search_ends_at_the_chunk_in_as_many_steps_as_the_tree_is_high(abi: list[Any], altered: int) -> None:
    answered: list[int] = []
    while (chunk := find_target(abi, altered, *answered).choose(answered, b"me")) != altered:
        assert chunk is not None
        answered.append(chunk)
    assert len(answered) <= compute_depth(CHUNKS)


def test_a_path_that_somebody_made_up_leads_nowhere(abi: list[Any]) -> None:
    depth = compute_depth(CHUNKS)
    for bait in (bytes(32 * depth), bytes(32 * depth + 1), bytes(32)):
        assert find_target(abi, 7, 0, bait=make_calldata(abi, 0, bait)).suspects == range(4, 8)


def test_a_given_state_names_the_chunk(abi: list[Any]) -> None:
    lie = make_state(7, CHUNKS)
    lie[9 * CHUNK] -= 5
    assert find_target(abi, 9, claimed={HEIGHT: lie}).claimed == 9
    assert find_target(abi, 9, claimed={HEIGHT + 1: lie}).claimed is None


# ---------------------------------------------------------------------- errands


class FakeSender:
    """Refuses as told; takes everything else and never sees it mined."""

    address = "0xMe"

    def __init__(self) -> None:
        self.receipt: Any = SimpleNamespace(is_success=False, block=0)
        self.refusal: ContractRevert | None = None
        self.sent: list[Any] = []

    def check(self, call: Call) -> None:
        if self.refusal is not None:
            raise self.refusal

    def sign(self, call: Call) -> Any:
        return SimpleNamespace(raw=b"", hash=b"", call=call)

    def bump(self, signed: Any) -> Any:
        return signed

    def broadcast(self, signed: Any) -> None:
        self.sent.append(signed.call)

    def get_receipt(self, _: Any) -> Any:
        return self.receipt

    def explain(self, *_: Any) -> str:
        return "reverted"


def make_errands(sender: FakeSender | None) -> tuple[Errands, list[tuple[str, dict[str, Any]]]]:
    said: list[tuple[str, dict[str, Any]]] = []
    return Errands(cast(Sender | None, sender), 0, lambda event, **values: said.append((event, values))), said


def test_without_an_account_everything_is_told_once() -> None:
    errands, said = make_errands(None)
    assert errands.account == ""
    for _ in range(3):
        if errands.is_due("answer of chunk 1", ROUND):
            errands.send("answer of chunk 1", ROUND, [Call("answer", ())])
    assert said == [("would send", {"call": "answer of chunk 1", "round": ROUND, "reason": "no account was given"})]


def test_what_would_fail_is_not_sent_and_told_once_for_each_reason() -> None:
    sender = FakeSender()
    errands, said = make_errands(sender)
    sender.refusal = ContractRevert("AlreadyChallenged")
    for number in range(1, 4):
        errands.settle(BlockRef(number, bytes(32), number))
        assert errands.is_due("x", ROUND)
        errands.send("x", ROUND, [Call("challenge", ())])
        assert not errands.is_due("x", ROUND), "not twice at one block"
    assert (sender.sent, len(said)) == ([], 1)
    assert "AlreadyChallenged" in said[0][1]["reason"]


def test_parts_leave_in_order_and_what_failed_waits_ever_longer() -> None:
    sender = FakeSender()
    errands, _ = make_errands(sender)
    calls = [Call("answerPart", (number,)) for number in range(3)]
    head = 0
    tries: list[int] = []
    while len(tries) < 3:
        head += 1
        errands.settle(BlockRef(head, bytes(32), head))
        if errands.is_due("answer of chunk 1", ROUND):
            errands.send("answer of chunk 1", ROUND, calls)
            assert not errands.is_due("answer of chunk 1", ROUND), "it is under way"
            assert sender.sent[-3:] == calls
            tries.append(head)
    assert tries == [1, 1 + PAUSE, 1 + PAUSE + PAUSE**2]


def test_what_is_under_way_is_not_sent_again() -> None:
    sender = FakeSender()
    sender.receipt = None
    errands, _ = make_errands(sender)
    for head in (1, 2, 3):
        errands.settle(BlockRef(head * PAUSE, bytes(32), head))
        assert errands.is_due("lapse of chunk 1", ROUND) == (head == 1)
        if head == 1:
            errands.send("lapse of chunk 1", ROUND, [Call("lapse", ())])
            errands.settle(BlockRef(PAUSE + 1, bytes(32), head))
