"""Jobs with pictures, from the table to the server and back: what is sent, kept, shown and counted."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline.core.domain import Reply, Request
from pipeline.engine.in_order import InOrder
from pipeline.job.load import load
from pipeline.runs.session import Session
from pipeline.testing import Script
from tests.support.fakes import said
from tests.support.pictures import data_url, png
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

SEEN: list[dict[str, Any]] = []


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the server got, parsed."""
    from pipeline.testing.service import Service

    respond = Service.respond

    async def noting(self: Service, api: str, body: bytes, key: str) -> Any:
        SEEN.append(json.loads(body))
        return await respond(self, api, body, key)

    monkeypatch.setattr(Service, "respond", noting)
    SEEN.clear()
    yield SEEN


def pictures(project: Project, **changes: Any) -> None:
    for place in range(3):
        (project.folder / f"{place}.png").write_bytes(png(seed=place))
    records = "sku,photo\n1,0.png\n2,1.png\n3,2.png\n4,none.png\n"
    steps = [{"name": "caption", "prompt": "Describe it.", "images": ["{{ photo }}"]}]
    project.job(**{"records": records, "steps": steps, "name": "shop", **changes})


@pytest.mark.parametrize("http", [True, False], ids=["over HTTP", "in process"])
def test_pictures_are_sent_kept_and_never_paid_for_twice(
    project: Project, bodies: list[dict[str, Any]], http: bool
) -> None:
    with serve(Script()) as server:
        pictures(project, **({"models": served(server.base_url)} if http else {}))
        done = project.run("run", "job.yaml")
        assert done.returncode == 3, done.stderr
        sent = sorted(body["messages"][0]["content"][1]["image_url"]["url"] for body in bodies)
        assert sent == sorted(data_url(png(seed=place)) for place in range(3))
        first = project.result()
        assert first["_status"].to_list() == ["ok", "ok", "ok", "failed"]
        failures = (project.folder / "output/shop/failures.csv").read_text()
        assert "'none.png' does not exist" in failures

        (project.folder / "0.png").rename(project.folder / "moved.png")
        pictures_moved = "sku,photo\n1,moved.png\n2,1.png\n3,2.png\n"
        (project.folder / "records.csv").write_text(pictures_moved)
        assert project.run("run", "job.yaml").returncode == 0
        assert len(bodies) == 3
        assert project.result()["caption"].to_list() == first["caption"].to_list()[:3]


def test_nothing_that_is_written_or_shown_holds_base64(project: Project) -> None:
    pictures(project)
    project.run("run", "job.yaml")
    base64 = data_url(png()).partition(",")[2][20:60].encode()
    shown = project.run("show", "job.yaml", "--explain").stdout + project.run("plan", "job.yaml").stdout
    assert base64 not in shown.encode()
    for file in (project.folder / "output").rglob("*"):
        assert not file.is_file() or base64 not in file.read_bytes(), file


def test_a_column_of_bytes_is_attached_and_a_template_of_text_still_refuses_it(
    project: Project, bodies: list[dict[str, Any]]
) -> None:
    photos = [png(seed=place) for place in range(40)]
    frame = pl.DataFrame({"sku": list(map(str, range(40))), "photo": photos})
    frame.write_parquet(project.folder / "r.parquet")
    more: dict[str, Any] = {
        "records": "a\n1\n",
        "output": {"to": "output/shop/posts.parquet"},
    }
    pictures(project, **more)
    job = project.folder / "job.yaml"
    data = yaml.safe_load(job.read_text()) | {"records": {"from": "r.parquet", "key": "sku"}}
    job.write_text(yaml.safe_dump(data))
    done = project.run("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    sent = [body["messages"][0]["content"][1]["image_url"]["url"] for body in bodies]
    assert sorted(sent) == sorted(map(data_url, photos))
    source = Session.open(load(job)).source
    assert max(map(len, source.batches())) <= 16
    data["steps"][0]["prompt"] = "{{ photo }}"
    job.write_text(yaml.safe_dump(data))
    refused = project.run("run", "job.yaml")
    assert refused.returncode == 2
    assert "holds Binary values, which have no text" in refused.stderr


def test_rows_without_bytes_are_left_out_by_a_condition(
    project: Project, bodies: list[dict[str, Any]]
) -> None:
    photos = pl.Series([png(), None], dtype=pl.Binary)
    pl.DataFrame({"sku": ["1", "2"], "photo": photos}).write_parquet(project.folder / "r.parquet")
    pictures(project, records="a\n1\n", output={"to": "output/shop/posts.parquet"})
    job = project.folder / "job.yaml"
    data = yaml.safe_load(job.read_text()) | {"records": {"from": "r.parquet", "key": "sku"}}
    data["steps"][0]["when"] = "{{ photo is not none }}"
    job.write_text(yaml.safe_dump(data))
    done = project.run("run", "job.yaml")
    assert done.returncode == 0 and "1 ok, 1 skipped" in done.stdout, done.stderr
    assert len(bodies) == 1


def test_private_pictures_are_named_nowhere(project: Project) -> None:
    pictures(project)
    job = project.folder / "job.yaml"
    data = yaml.safe_load(job.read_text())
    data["records"] = {"from": "records.csv", "key": "sku", "private": ["photo"]}
    job.write_text(yaml.safe_dump(data))
    assert project.run("run", "job.yaml").returncode == 3
    told = (project.folder / "output/shop/failures.csv").read_text()
    assert "does not exist" in told
    assert "none.png" not in told.replace("4,none.png", "")


@pytest.mark.parametrize("kind", ["images", "audio"])
def test_a_dialect_without_pictures_is_refused_before_anything_is_sent(project: Project, kind: str) -> None:
    steps = [
        {"name": "caption", "prompt": "Describe it.", kind: ["0.png"] if kind == "images" else ["s.mp3"]}
    ]
    (project.folder / "s.mp3").write_bytes(b"\xff\xfb\x90\x00" + bytes(400))
    pictures(project, steps=steps, models={"m": {"provider": "scripted", "model": "m", "api": "completions"}})
    done = project.run("run", "job.yaml")
    assert done.returncode == 2
    assert "takes no pictures and no sound: use api: chat" in done.stderr


def test_a_budget_reserves_no_tokens_for_base64(project: Project) -> None:
    (project.folder / "large.png").write_bytes(png(800, 600) + bytes(4_000_000))
    steps = [
        {"name": "caption", "prompt": "Describe it.", "images": "large.png", "params": {"max_tokens": 100}}
    ]
    model = {"provider": "openai", "model": "gpt-5-mini", "base_url": "https://api.openai.com/v1"}
    pictures(project, steps=steps, models={"m": model}, budget={"cost": 1.0})
    plan = project.numbers("plan", "job.yaml")
    step = plan["steps"][0]
    assert 600 < step["input_tokens"] < 10_000
    assert step["most"] < 0.01


def test_a_walk_over_large_pictures_holds_none_of_them(project: Project, tmp_path: Path) -> None:
    for place in range(24):
        (project.folder / f"large{place}.png").write_bytes(png(seed=place) + bytes(2_000_000))
    records = "sku,photo\n" + "".join(f"{place},large{place}.png\n" for place in range(24))
    pictures(project, records=records)
    session = Session.open(load(project.folder / "job.yaml"))
    asked: list[Request] = []

    def look_up(requests: Any) -> list[Reply]:
        asked.extend(requests)
        return [said("a") for _ in requests]

    tracemalloc.start()
    try:
        for batch in session.source.batches():
            assert len(InOrder(session.stages, look_up).leaves(batch)) == 24
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(asked) == 24
    assert most < 8_000_000  # one picture at a time, and all of them are 48 MB


@pytest.mark.parametrize("private", [False, True])
def test_examples_for_fine_tuning_hold_the_pictures_unless_they_may_be_private(
    project: Project, private: bool
) -> None:
    pictures(project)
    job = project.folder / "job.yaml"
    if private:
        data = yaml.safe_load(job.read_text())
        data["records"]["private"] = ["photo"]
        job.write_text(yaml.safe_dump(data))
    project.run("run", "job.yaml")
    done = project.run("export", "job.yaml", "--fine-tune", "chat", "out.jsonl")
    out = project.folder / "out.jsonl"
    if private:
        assert not out.exists() or not out.read_bytes(), done.stdout
        return
    assert done.returncode == 0, done.stderr
    examples = [json.loads(line) for line in out.read_text().splitlines()]
    found = [one["messages"][0]["content"][1]["image_url"]["url"] for one in examples]
    assert found == [data_url(png(seed=place)) for place in range(3)]


@pytest.mark.parametrize(("api", "sent"), [("chat", 12), ("responses", 12), ("completions", 0)])
def test_a_stronger_model_that_takes_no_pictures_is_told_of_before_anything_is_paid(
    api: str, sent: int, project: Project
) -> None:
    step = {"name": "caption", "model": "m", "prompt": "Describe it.", "images": ["{{ photo }}"]}
    step |= {"checks": {"length": {"min": 999}}, "escalate": ["strong"]}
    with serve(Script()) as server:
        (model,) = served(server.base_url).values()
        pictures(project, models={"m": model, "strong": {**model, "api": api, "model": "s"}}, steps=[step])
        done = project.run("run", "job.yaml", "--limit", "3")
        assert server.ledger().billed == sent, "two attempts by each of two models, for three rows"
        assert ("takes no pictures" in done.stdout + done.stderr) == (sent == 0), done.stdout
