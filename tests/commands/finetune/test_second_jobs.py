"""Whatever happens on the way, one order makes one job of fine-tuning and no second one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.core.errors import JobError, RunStopped
from pipeline.job.load import load
from pipeline.providers.http.rest import Rest
from pipeline.runs.tuning import finetune
from pipeline.runs.tuning.files import Handed, Wanted
from pipeline.runs.tuning.state import Order, State, Tuned
from tests.support.fine_tuning import MODEL, Trainer
from tests.support.project import Project
from tests.support.tuned_shop import ROWS, tuned


@pytest.mark.parametrize("fault", ["500 after", "drop after", "500", "drop"])
@pytest.mark.parametrize("times", [1, 2])
def test_an_error_after_the_create_makes_no_second_job(
    fault: str, times: int, shop: Project, server: Trainer
) -> None:
    server.faults = {"create": [fault] * times}
    for _ in range(times + 1):
        try:
            assert tuned(shop).name == MODEL
            break
        except RunStopped as error:
            assert "not known" in error.what and "after" not in fault
    assert len(server.jobs) == 1
    assert server.calls.count("create") == (1 if "after" in fault else times + 1)


@pytest.mark.parametrize("fault", ["500", "drop", "429", "401"])
def test_a_job_is_not_asked_for_again_where_the_list_cannot_be_read(
    fault: str, shop: Project, server: Trainer
) -> None:
    server.faults = {"create": ["drop after"], "list": [fault] * 9}
    for _ in range(3):
        with pytest.raises(RunStopped, match="list of fine-tuning jobs"):
            tuned(shop)
    server.faults = {}
    assert tuned(shop).name == MODEL
    assert len(server.jobs) == 1


def test_a_list_that_shows_a_job_late_is_waited_for(
    shop: Project, server: Trainer, no_time_passes: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults, server.listed = {"create": ["drop after"]}, False
    with pytest.raises(RunStopped, match="not known"):
        tuned(shop)
    assert sum(no_time_passes) == pytest.approx(21)
    no_time_passes.clear()

    def shown(seconds: float) -> None:
        no_time_passes.append(seconds)
        server.listed = True

    monkeypatch.setattr(finetune, "sleep", shown)
    assert tuned(shop).name == MODEL and len(server.jobs) == 1
    assert 100 < no_time_passes[0] <= finetune.SETTLED


def test_a_job_is_found_behind_many_others(shop: Project, server: Trainer) -> None:
    server.faults, server.others = {"create": ["drop after"]}, 450
    assert tuned(shop).name == MODEL
    assert len(server.jobs) == 1 and server.calls.count("list") == 5


def test_a_clock_that_was_set_back_makes_nobody_wait_for_hours(
    shop: Project, server: Trainer, no_time_passes: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = {"create": ["drop"]}
    with pytest.raises(RunStopped, match="not known"):
        tuned(shop)
    monkeypatch.setattr(finetune, "time", lambda: 0.0)
    no_time_passes.clear()
    assert tuned(shop).name == MODEL
    assert max(no_time_passes) <= finetune.SETTLED


class Killed(BaseException):
    """The end of the process."""


def killed_at(instant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the process before or after a call or a write: even instants before, odd ones after."""
    passed = 0

    def at(real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal passed
            passed += 2
            if passed - 2 == instant:
                raise Killed
            result = real(*args, **kwargs)
            if passed - 1 == instant:
                raise Killed
            return result

        return call

    monkeypatch.setattr(Rest, "_call", at(Rest._call))
    monkeypatch.setattr(State, "save", at(State.save))


def test_a_kill_at_any_instant_makes_no_second_job(shop: Project, server: Trainer) -> None:
    job, order = load(shop.folder / "job.yaml"), Order(model="trained", again=True)

    def write(_: str, wanted: Sequence[Wanted]) -> list[Handed]:
        wanted[0].path.write_text("{}\n" * ROWS)
        return [Handed({wanted[0].path: ROWS})]

    def begun(order: Order) -> Tuned:
        return finetune.finetune(job, order, write, lambda *_: None, lambda _: None)

    with patch.dict(os.environ, shop.environment()), patch("os.fsync"):
        for instant in range(99):
            with pytest.MonkeyPatch.context() as patched, suppress(Killed):
                killed_at(instant, patched)
                begun(order)
                break
            assert begun(replace(order, again=False)).name == MODEL
            assert len(server.jobs) == instant + 1
    assert 20 < instant < 99


@pytest.mark.parametrize(("status", "error"), [("failed", "the file is bad"), ("cancelled", "")])
def test_a_job_that_fails_is_told_and_not_begun_again_by_itself(
    status: str, error: str, shop: Project, server: Trainer
) -> None:
    server.stages, server.error = ("running", status), error
    for _ in range(2):
        with pytest.raises(JobError, match=f"ftjob-0 is {status}.*{error}") as caught:
            tuned(shop)
        assert "--again" in caught.value.hint
    server.stages, server.error = ("succeeded",), ""
    assert tuned(shop, again=True).job == "ftjob-1"
    assert len(server.jobs) == 2


def test_another_order_waits_for_the_one_that_is_under_way(shop: Project, server: Trainer) -> None:
    server.faults = {"look": ["401"]}
    with pytest.raises(RunStopped):
        tuned(shop)
    for other in (
        {"epochs": 9},
        {"share": 0.2},
        {"seed": 5},
        {"with_soft": True},
        {"suffix": "x"},
        {"base": "b"},
    ):
        with pytest.raises(JobError, match="another fine-tuning of this step is under way"):
            tuned(shop, **other)
    (shop.folder / "output/shop/tuning/post.jsonl").write_text("lost")  # it was uploaded already
    assert tuned(shop).name == MODEL
    assert tuned(shop, epochs=9).job == "ftjob-1"
