"""What can be recomputed and what not, which submissions are drawn, and how progress is told."""

from types import SimpleNamespace

import click
import pytest

from trainer.cli import progress
from trainer.cli.progress import Progress, describe_seconds
from trainer.cli.recompute import parse_share
from trainer.errors import UsageError
from trainer.roles.recomputation import check_submission, draw_submissions, list_submissions


def make_round(committed, revealed, accepted, *, overturned=False, is_final=True):
    final = SimpleNamespace(accepted=sum(1 << seat for seat in accepted)) if is_final else None
    return SimpleNamespace(commits=committed, reveals=revealed, final=final, overturned=overturned)


RUN = SimpleNamespace(
    rounds={
        2: make_round({0, 1, 2, 3}, {0, 1, 2}, {0, 1}),
        3: make_round({0, 1}, {0}, (), is_final=False),
        4: make_round({0, 1}, {0, 1}, {0, 1}, overturned=True),
        5: make_round({0, 1}, set(), (), is_final=False),
    },
    clock=SimpleNamespace(round=5, closed=False),
    finals=[SimpleNamespace(round=round_id, accepted=0b11 | round_id << 3) for round_id in range(2, 102)],
)


@pytest.mark.parametrize(
    ("round_id", "seat", "complaint"),
    [
        (9, 0, "round 9 is unknown; there are rounds 2 to 5"),
        (3, 0, "round 3 is not final: it went void"),
        (5, 0, "round 5 is not final: it is not over yet"),
        (4, 0, "round 4 was overturned"),
        (2, 7, "seat 7 did not commit in round 2; its accepted seats are 0, 1"),
        (2, 3, "seat 3 did not reveal in round 2"),
        (2, 2, "seat 2 was not accepted in round 2; its accepted seats are 0, 1"),
    ],
)
def test_what_cannot_be_recomputed_is_told(round_id, seat, complaint):
    with pytest.raises(UsageError, match=complaint):
        check_submission(RUN, round_id, seat)


def test_what_can_be_is_not_refused():
    check_submission(RUN, 2, 1)


def test_a_run_without_a_round_is_told():
    with pytest.raises(UsageError, match=r"round 2 is unknown$"):
        check_submission(SimpleNamespace(rounds={}), 2, 0)


def test_a_draw_is_repeated_by_its_seed():
    every = list_submissions(RUN)
    assert every[:3] == [(2, 0), (2, 1), (2, 4)]
    drawn = draw_submissions(RUN, 0.1, 7)
    assert drawn == draw_submissions(RUN, 0.1, 7) == sorted(set(drawn))
    assert len(drawn) == round(len(every) / 10)
    assert set(drawn) < set(every)
    assert drawn != draw_submissions(RUN, 0.1, 8)
    assert draw_submissions(RUN, 1, 7) == every
    assert len(draw_submissions(RUN, 1e-9, 7)) == 1
    assert draw_submissions(SimpleNamespace(finals=[]), 0.5, 7) == []


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("100%", 1), ("1", 1), ("0.5 %", 0.005)])
def test_a_share_in_its_two_forms(text, share):
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["0", "-1%", "101%", "2", "", "%", "nan", "half"])
def test_what_is_no_share(text):
    with pytest.raises(click.BadParameter, match="no share"):
        parse_share(text)


def test_progress_is_told_now_and_then(monkeypatch, capsys):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    told = Progress(10, is_quiet=False)
    told.advance(1, "too early")
    clock.now += 20
    told.advance(1, "work")
    told.advance(1, "at once again")
    told.say("a line that stays")
    Progress(10, is_quiet=True).say("nothing")
    assert capsys.readouterr().err == " 20 %, 80 s left: work\na line that stays\n"
    assert (describe_seconds(99), describe_seconds(360)) == ("99 s", "6 min")
