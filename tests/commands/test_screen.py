"""What the live display says: how fast it goes, what it waits for, and which error still matters."""

from __future__ import annotations

import io
import time
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from pipeline import api
from pipeline.cli.screen import BAR, Screen
from pipeline.core.display import pace
from pipeline.core.domain import NO_TOKENS, Fault, Reply
from pipeline.core.progress import LONG_AGO, Progress
from pipeline.job.load import load
from pipeline.lanes.bottleneck import Bottleneck
from pipeline.testing import Rule, Script
from tests.support.project import KEY, Project
from tests.support.served import served
from tests.support.server import serve

REPLY = Reply("chat", b"", 1.0)


def shown(progress: Progress, width: int = 80) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(Screen("shop", progress)._picture())
    return console.export_text().rstrip().splitlines()


def asking(**more: Any) -> Progress:
    return Progress(phase="asking", since=time.monotonic() - 24, rows_expected=9, ok=2, answered=2, **more)


@pytest.mark.parametrize(
    ("requests", "seconds", "said"),
    [
        (0, 5.0, "no answer yet"),
        (85, 10.0, "8.5 requests/s"),
        (1, 1.0, "1.0 requests/s"),
        (10, 15.0, "one request in 1.5 s"),
        (2, 24.0, "one request in 12 s"),
        (1, 3600.0, "one request in 3600 s"),
        (50_000, 10.0, "5,000.0 requests/s"),
    ],
)
def test_a_pace_is_never_nothing(requests: int, seconds: float, said: str) -> None:
    assert pace(requests, seconds) == said


def test_a_slow_run_says_how_long_a_request_takes() -> None:
    assert "one request in 12 s, ETA 1:24" in "\n".join(shown(asking(), 120))


def test_a_paused_run_says_so_and_nothing_that_has_gone_by() -> None:
    progress = asking(notice="paused", in_flight=1)
    progress.fault(Fault("server_error", "500"), "post", "1")
    first, *others = shown(progress)
    assert "paused: 2 done" in first and "asking" not in first
    assert not any(word in "".join(others) for word in ("ETA", "error", "request in", "held up"))


def test_the_display_fits_a_small_terminal() -> None:
    progress = Progress(phase="stopping", rows_expected=123_456_789, ok=98_765_432, failed=1_234_567)
    for width in (80, 120):
        first, *_ = shown(progress, width)
        assert "1,234,567 failed, 23,456,790 left" in first and len(first) <= width


def test_rows_that_wait_for_a_batch_are_left() -> None:
    first, second, *_ = shown(asking(pending=4, waits="1 batch: 3 of 4 requests done"))
    assert "2 done, 0 failed, 7 left" in first and "1 batch: 3 of 4 requests done" in second


def test_an_error_is_gone_once_its_request_is_answered() -> None:
    progress = asking()
    progress.fault(Fault("server_error", "first"), "post", "1")
    progress.fault(Fault("timeout", "second"), "post", "2")
    assert "timeout: second" in shown(progress)[-1]
    progress.answer(REPLY, NO_TOKENS, "post", "2")
    assert "server_error: first" in shown(progress)[-1]
    progress.answer(REPLY, NO_TOKENS, "post", "1")
    assert "error" not in "".join(shown(progress))
    assert progress.last_error == "timeout: second"  # what is told to programs, and of an outage


def test_an_error_is_gone_after_many_answers() -> None:
    progress = asking()
    progress.fault(Fault("server_error", "first"), "post", "1")
    progress.fail(Fault("bad_request", "no"), "post", "2")
    for number in range(LONG_AGO):
        assert "last error" in "".join(shown(progress)), number
        progress.answer(REPLY, NO_TOKENS, "post", f"other {number}")
    assert "last error" not in "".join(shown(progress))
    progress.fault(Fault("server_error", "anew"), "post", "1")
    assert "server_error: anew" in shown(progress)[-1]


@pytest.mark.parametrize(("phase", "full"), [("asking", False), ("writing", True)])
def test_the_bar_is_full_while_the_table_is_written(phase: str, full: bool) -> None:
    progress = Progress(phase=phase, rows_expected=80, ok=5)
    first = shown(progress)[0]
    assert (first.count("━") >= BAR // 2 and "╺" not in first) == full
    assert ("writing: 5 of 80 rows" in first) == full


def test_the_reason_of_a_failed_row_stays() -> None:
    progress = asking()
    progress.fault(Fault("bad_request", "no"), "post", "1")
    progress.fail(Fault("bad_request", "no"), "post", "1")
    progress.fault(Fault("server_error", "passing"), "post", "2")
    progress.answer(REPLY, NO_TOKENS, "post", "2")
    assert "bad_request: no" in shown(progress)[-1]


@pytest.mark.parametrize(
    ("binding", "left", "said"),
    [
        ("hours", 7200.0, "waiting for the time of limits.hours, until 14:00"),
        ("cooldown", 35.0, "waiting after a refusal for the rate, 0:35 left"),
        ("cooldown", 0.4, ""),
        ("outage", float("inf"), "waiting for the server, which is down"),
        ("outage", 3.5, "waiting for the server, which is down, next try in 0:03"),
        ("rpd", 15 * 3600.0, "until 03:00 tomorrow"),
        ("rpm", 30.0, ""),
        ("concurrency", float("inf"), ""),
    ],
)
def test_a_wait_says_for_what_and_until_when(binding: str, left: float, said: str) -> None:
    now = 1000.0
    noon = datetime(2026, 11, 22, 12)
    clock: Any = SimpleNamespace(local=lambda at: datetime.fromtimestamp(noon.timestamp() + at - now))
    queue = SimpleNamespace(waiting=1, binding=binding, until=now + left)
    lane: Any = SimpleNamespace(queue=queue, clock=clock)
    progress = asking()
    progress.waits = Bottleneck([lane], progress, lambda: False, lambda: 0.0)._awaited_now(now)
    assert said in progress.waits and bool(progress.waits) == bool(said)
    assert ("ETA" in "".join(shown(progress, 200))) == (not said)


def test_the_clock_of_the_speed_stands_still_in_a_pause() -> None:
    progress = asking(notice="paused")
    watched = Bottleneck([], progress, lambda: False, lambda: 0.0)
    watched.sample()
    before = time.monotonic() - progress.since
    time.sleep(0.05)
    watched.sample()
    assert time.monotonic() - progress.since == pytest.approx(before, abs=0.03)


def test_an_end_is_foretold_from_the_first_step_on(project: Project) -> None:
    """Steps are counted, also those of rows that fail or are left out, and those that the journal knows."""
    steps = [
        {"name": "plan", "prompt": "Plan {{ title }}"},
        {"name": "post", "each": {"lang": ["en", "de"]}, "prompt": "{{ lang }} {{ plan }} {{ title }}"},
        {
            "name": "tag",
            "when": "{{ post != 'none' and title != 'thing 2' }}",
            "prompt": "Tag {{ lang }} {{ post }}",
        },
    ]
    fail = Rule(match="Plan thing 3", fault="refusal")
    with serve(Script(faults=(fail,))) as server:
        project.job(models=served(server.base_url), records=Project.numbered(6), steps=steps)
        work = []
        for limit in (3, 6):
            progress, job = Seen(), load(project.folder / "job.yaml", [f"records.limit={limit}"])
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("TEST_KEY", KEY)
                api.run(job, progress=progress)
            assert progress.seen[0] == progress.seen[1] == limit * (1 + 2 + 2)
            work.append(progress.seen[2])
    assert work == [3 * 5, 2 * 5], "thing 3 fails at its first step; what the journal knows is no work"


class Seen(Progress):
    """A progress that keeps what it showed of its work when a phase ended."""

    seen = (0, 0, 0)

    def restart(self, phase: str, *, go_on: bool = False) -> None:
        self.seen = max(self.seen, self.work)
        super().restart(phase, go_on=go_on)


def test_the_bar_and_the_end_go_by_steps_while_rows_are_still_at_their_first() -> None:
    progress = Progress(phase="asking", since=time.monotonic() - 24, rows_expected=78, answered=30)
    progress.steps, progress.steps_new, progress.steps_expected = 30, 30, 117
    assert "ETA 1:09" in "".join(shown(progress, 200))
