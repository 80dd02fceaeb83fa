"""The five walks of DESIGN.md are true: each stop is a file, and code in it runs on the way."""

from __future__ import annotations

import inspect
import re
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from pipeline.testing.script import Rule, Script
from tests.support import ROOT
from tests.support.project import Project
from tests.support.server import serve

MOST_STOPS = 9
PRICE = {"input": 1.0, "output": 2.0}
SCRIPT = Script(faults=(Rule(fault="server_error", first=1), Rule(fault="bad_request", match="lamp")))


def walks() -> dict[str, list[str]]:
    """The files of each walk, in their order, by what walks."""
    section = (ROOT / "DESIGN.md").read_text("utf-8").split("## Five walks", 1)[1].split("\n## ", 1)[0]
    parts = re.split(r"^One (\w+), .*:$", section, flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {name: re.findall(r"^\d+\. `([^`]+)`", stops, flags=re.MULTILINE) for name, stops in pairs}


def test_there_are_five_walks_of_few_stops_each() -> None:
    assert {name: len(stops) <= MOST_STOPS for name, stops in walks().items()} == dict.fromkeys(
        ["record", "request", "paragraph", "fault", "dollar"], True
    )


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of the package of which code ran while a job with faults and a fallback ran."""
    project, seen = Project(tmp_path_factory.mktemp("walks")), set[str]()

    def note(frame: FrameType, _event: str, _argument: Any) -> None:
        if frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a function, not what runs when a file is imported
            seen.add(frame.f_code.co_filename)

    with serve(SCRIPT) as server:
        model = {"provider": "openai", "base_url": server.base_url, "api_key_env": "TEST_KEY", "price": PRICE}
        models = {
            "writer": {**model, "model": "m", "fallback": {"model": "other"}},
            "other": {**model, "model": "n"},
        }
        answer = {"json": {"title": "string"}}
        step = {"name": "post", "model": "writer", "prompt": "Write about {{ title }}.", "answer": answer}
        project.job(models=models, steps=[step], budget={"cost": 1.0})
        threading.setprofile(note)
        sys.setprofile(note)
        try:
            project.run("run", "job.yaml")
            project.run("status", "job.yaml")
            for paragraph in ("The old text.", "The new text."):
                (project.folder / "page.md").write_text(f"# Title\n\n{paragraph}\n")
                project.run("translate", "page.md", "--to", "pseudo")
                edited = project.folder / "output/page-pseudo/pseudo/page.md"
                edited.write_text(edited.read_text() + "\nAdded.\n")
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    return {
        Path(name).relative_to(ROOT).as_posix()
        for name in seen
        if Path(name).is_relative_to(ROOT / "pipeline")
    }


@pytest.mark.parametrize(
    ("walk", "stop"), [(walk, stop) for walk, stops in walks().items() for stop in stops]
)
def test_code_of_each_stop_runs_on_the_way(walk: str, stop: str, visited: set[str]) -> None:
    assert (ROOT / stop).is_file()
    assert stop in visited, f"one {walk} does not come by {stop}"
