"""A shop whose model can be trained, at a server that trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from pipeline.runs.tuning import finetune
from tests.support.fine_tuning import Trainer, trainer
from tests.support.project import Project
from tests.support.tuned_shop import JOB, ROWS


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are made."""
    pauses: list[float] = []
    monkeypatch.setattr(finetune, "sleep", pauses.append)
    return pauses


@pytest.fixture
def server() -> Iterator[Trainer]:
    with trainer() as fake:
        yield fake


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a job that has run."""
    project = Project(tmp_path_factory.mktemp("finished"))
    (project.folder / "records.csv").write_text(Project.numbered(ROWS))
    (project.folder / "job.yaml").write_text(JOB.replace("URL", "http://127.0.0.1:9/v1"))
    assert project.run("run", "job.yaml").returncode == 0
    return project.folder


@pytest.fixture
def shop(project: Project, server: Trainer, finished: Path) -> Project:
    """A job that has run, with a model that can be trained."""
    copytree(finished, project.folder, dirs_exist_ok=True)
    (project.folder / "job.yaml").write_text(JOB.replace("URL", server.url))
    return project
