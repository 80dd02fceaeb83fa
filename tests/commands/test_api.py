"""The same from Python: plain and async, in a notebook's running loop, with frames in and out."""

from __future__ import annotations

import asyncio

import anyio
import polars as pl
import pytest

from pipeline import export, load, plan, plan_async, run, run_async
from pipeline.core.errors import JobError, KeyRefused
from pipeline.core.progress import Progress
from tests.support.project import Project


def test_plan_then_run_then_plan_again(project: Project) -> None:
    job = load(project.job())
    assert plan(job).missing == 3
    result = run(job)
    assert (result.ok, result.sent, result.exit_code) == (3, 3, 0)
    assert result.frame()["sku"].to_list() == ["007", "008", "009"]
    assert plan(job).missing == 0
    assert export(job).frame().equals(result.frame())


async def test_the_async_forms_mean_the_same(project: Project) -> None:
    job = load(project.job(), ["records.limit=2"])
    progress = Progress()
    assert (await plan_async(job)).missing == 2
    assert (await run_async(job, progress=progress)).ok == 2
    assert progress.sent == 2 and progress.in_flight == 0


async def test_the_plain_forms_work_inside_a_running_loop(project: Project) -> None:
    job = load(project.job())
    assert run(job).ok == 3
    assert asyncio.get_running_loop().is_running()


def test_a_frame_takes_the_place_of_the_file_and_keeps_its_types(project: Project) -> None:
    job = load(project.job(output={"to": "output/shop/posts.parquet"}))
    frame = pl.DataFrame({"sku": [1, 2], "title": ["tea", None], "price": [1.5, None]})
    result = run(job, frame)
    assert result.frame().schema["price"] == pl.Float64
    assert result.frame()["price"].to_list() == [1.5, None]
    assert run(job, frame.lazy()).sent == 0


def test_errors_are_the_same_as_on_the_command_line(project: Project) -> None:
    with pytest.raises(JobError, match="there is no 'titel'"):
        plan(load(project.job(steps=[{"name": "post", "prompt": "{{ titel }}"}])))
    script = {"faults": [{"every": 1, "fault": "unauthorized"}]}
    job = load(project.job(models={"w": {"provider": "scripted", "model": "m", "options": script}}))
    with pytest.raises(KeyRefused, match="unauthorized"):
        run(job)


async def test_a_run_that_is_cancelled_sends_nothing_new_and_keeps_what_is_under_way(
    project: Project,
) -> None:
    options = {"options": {"latency": 0.05}, "limits": {"concurrency": 4}}
    models = {"w": {"provider": "scripted", "model": "m", **options}}
    job, progress = load(project.job(models=models, records=Project.numbered(2000))), Progress()

    async def cancel(scope: anyio.CancelScope) -> None:
        while progress.answered < 10:
            await anyio.sleep(0.01)
        scope.cancel()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(cancel, group.cancel_scope)
            await run_async(job, progress=progress)
    assert progress.sent == progress.answered < 40
    assert plan(job).missing == 2000 - progress.answered
