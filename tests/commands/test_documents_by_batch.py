"""Documents that are translated by batch: the same files, and no segment is paid for twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.testing import Script
from pipeline.testing.script import BatchScript
from tests.support.pages import begin, run, written
from tests.support.project import Project
from tests.support.served import nano
from tests.support.translator import translator

PAGES = {"a.md": list(range(40)), "b.md": list(range(20, 60))}
BY_BATCH = "lane: batch, options: {batch: {most_requests: 1}}, api_key_env: TEST_KEY"


def translate(folder: Path, lane: str, script: BatchScript) -> tuple[list[str], Counter[str], dict[str, Any]]:
    """The translated pages, how often each segment was asked for, and what the journal and the ledger say."""
    project = Project(folder)
    with translator(script=Script(batches=script, seed=4)) as (server, seen):
        begin(project, server.base_url, PAGES)
        job = project.folder / "job.yaml"
        job.write_text(job.read_text().replace("api_key_env: TEST_KEY", lane))
        run(project)
        asked = Counter(text for request in seen.requests for text in request.texts.values())
        billed = sum(line.input + line.output for line in server.ledger().lines if line.billed)
        numbers = {"cost": nano(project.numbers("status", "job.yaml")["cost"]), "billed": billed * 1000}
    return [written(project, name) for name in PAGES], asked, numbers


@pytest.mark.parametrize("latency", [0.1, {"mean": 1.0, "jitter": 0.9}])
def test_the_same_documents_and_each_segment_once(tmp_path: Path, latency: Any) -> None:
    found = {}
    for lane, said in {"sync": "api_key_env: TEST_KEY", "batch": BY_BATCH}.items():
        (tmp_path / lane).mkdir()
        found[lane] = translate(tmp_path / lane, said, BatchScript(latency=latency))
        _, asked, numbers = found[lane]
        assert set(asked.values()) == {1}
        assert numbers["cost"] == numbers["billed"]
    assert found["batch"][0] == found["sync"][0]


@pytest.mark.parametrize(
    ("lane", "more", "told"),
    [
        (BY_BATCH, "", True),
        (BY_BATCH, "context: previous", True),
        (BY_BATCH, "context: source", False),
        ("api_key_env: TEST_KEY", "", False),
    ],
)
def test_check_and_plan_say_that_no_translations_are_shown(
    tmp_path: Path, lane: str, more: str, told: bool
) -> None:
    project = Project(tmp_path)
    begin(project, "http://127.0.0.1:9/v1", PAGES, more)
    job = project.folder / "job.yaml"
    job.write_text(job.read_text().replace("api_key_env: TEST_KEY", lane))
    for command in ("check", "plan"):
        done = project.run(command, "job.yaml")
        assert done.returncode == 0, done.stderr
        said = "sees the sources before it, but not their translations" in done.stdout + done.stderr
        assert said == told, done.stdout + done.stderr
