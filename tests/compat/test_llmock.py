"""llmock judges its clients: retries that come too early, storms, requests that repeat what was refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.real_servers import llmock, verdict

ROWS = 60
WORLDS = {
    "calm": (),
    "limits": ("--rpm", "600"),
    "errors": ("--error-rate", "500=0.1", "--error-rate", "429=0.1", "--error-rate", "503=0.1"),
    "wrong requests": (
        "--error-rate",
        "400=0.1",
    ),
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_verdict_is_good(project: Project, tmp_path: Path, world: str, api: str) -> None:
    with llmock(tmp_path, *WORLDS[world]) as origin:
        model = {"model": "gpt-4o-mini", "base_url": f"{origin}/v1", "api": api, "api_key_env": "TEST_KEY"}
        project.job(origin, records=Project.numbered(ROWS), models={"writer": model})
        numbers = project.numbers("run", "job.yaml")
        said = verdict(origin)
    print(numbers, said.stdout)
    assert said.returncode == 0, said.stdout
    assert numbers["ok"] + numbers["failed"] == ROWS
    assert not numbers["pending"]
    if world != "wrong requests":
        assert numbers["ok"] == ROWS
