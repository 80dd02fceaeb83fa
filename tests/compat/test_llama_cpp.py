"""llama.cpp's server with a small real model: each dialect, repairs, fewer slots than requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.support.project import Project
from tests.support.real_servers import llama_cpp

ROWS = 12

pytestmark = pytest.mark.xdist_group("llama_cpp")
"""one server for all of them"""


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server, with two slots."""
    with llama_cpp(tmp_path_factory.mktemp("llama"), slots=2) as url:
        yield url


def model(url: str, **more: object) -> dict[str, object]:
    cap = "max_output_tokens" if more.get("api") == "responses" else "max_tokens"
    params = {cap: 12, "temperature": 0}
    return {"writer": {"model": "smollm2", "base_url": url, "params": params, **more}}


@pytest.mark.parametrize("api", ["chat", "responses", "completions"])
def test_every_row_is_answered(project: Project, llama: str, api: str) -> None:
    step = {"name": "post", "prompt": "Write about {{ title }}.", "allow": ["length"]}
    project.job(llama, records=Project.numbered(ROWS), models=model(llama, api=api), steps=[step])
    assert project.numbers("run", "job.yaml")["ok"] == ROWS
    assert all(text.strip() for text in project.result()["post"])


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_repair_is_a_request_that_it_takes(project: Project, llama: str, api: str) -> None:
    checks = {"contains": ["no model writes this word: zqxjk"]}
    step = {
        "name": "post",
        "prompt": "Write about {{ title }}.",
        "allow": ["length"],
        "checks": checks,
        "repairs": 1,
    }
    project.job(llama, models=model(llama, api=api), steps=[step])
    numbers = project.numbers("run", "job.yaml")
    assert numbers["reasons"] == {"rejected": 3}
    assert numbers["sent"] == 6


def test_json_keeps_its_shape(project: Project, llama: str) -> None:
    step = {
        "name": "post",
        "prompt": "Rate {{ title }}.",
        "answer": {"json": {"good": "boolean", "again": ["boolean"]}},
    }
    params = {"max_tokens": 60, "temperature": 0}
    project.job(llama, models=model(llama, params=params), steps=[step])
    assert project.numbers("run", "job.yaml")["ok"] == 3


def test_a_text_above_the_context_fails_alone(project: Project, llama: str) -> None:
    records = "sku,title\n" + "".join(f"{i},{'word ' * (3000 if i < 6 else 2)}\n" for i in range(12))
    step = {"name": "post", "prompt": "Write about {{ title }}.", "allow": ["length"]}
    project.job(llama, records=records, models=model(llama), steps=[step])
    numbers = project.numbers("run", "job.yaml")
    assert (numbers["ok"], numbers["reasons"]) == (6, {"context_length": 6})


def test_one_slot_is_enough(project: Project, tmp_path: Path) -> None:
    rows = 60
    with llama_cpp(tmp_path, slots=1) as url:
        limits = {"timeout": 15}
        params = {"max_tokens": 30, "temperature": 0}
        step = {"name": "post", "prompt": "A {{ title }} says:", "allow": ["length"]}
        models = model(url, limits=limits, params=params)
        project.job(url, records=Project.numbered(rows), models=models, steps=[step])
        numbers = project.numbers("run", "job.yaml")
    assert numbers["ok"] == rows
    assert numbers["sent"] <= rows + 2  # at most two timeouts
    assert pl.read_csv(tmp_path / "output/shop/posts.csv")["sku"].n_unique() == rows
