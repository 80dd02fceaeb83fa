"""Where only the wheel is installed, without the folder that it was made from."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.project import Project
from tests.support.terminal import in_terminal

SCRIPTED = ("--set", "models.small={provider: scripted, model: m}")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    made = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(folder / made.stdout.split()[-1]) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_a_job_for_a_table_checks_and_runs(project: Project, wheel: Path) -> None:
    (project.folder / "things.csv").write_text(Project.numbered(3))
    where = {"PYTHONPATH": str(wheel)}
    imported = subprocess.run(
        [sys.executable, "-c", "import pipeline; print(pipeline.__file__)"],
        cwd=project.folder,
        env=project.environment(**where),
        capture_output=True,
        text=True,
        check=True,
    )
    assert imported.stdout.startswith(str(wheel))
    for words in (
        ["new", "--from", "things.csv"],
        ["check", "things.yaml"],
        ["run", "things.yaml", *SCRIPTED],
        ["show", "things.yaml"],
    ):
        done = project.spawn(*words, **where)
        assert done.returncode == 0, done.stderr
    first = (project.folder / "things.yaml").read_text().splitlines()[0]
    assert Path(first.partition("$schema=")[2]).is_relative_to(wheel)


def test_on_a_terminal_it_asks_for_the_table(project: Project) -> None:
    (project.folder / "things.csv").write_text(Project.numbered(3))
    answers = {"A table with your records": "things.csv\r", "What shall be written": "Write a haiku.\r"}
    code, shown = in_terminal(project.command("new"), project.folder, project.environment(), answers)
    assert code == 0 and "key: sku" in shown
    assert "Write a haiku.\n" in (project.folder / "things.yaml").read_text()


def test_on_a_terminal_enter_alone_gives_the_sample(project: Project) -> None:
    answers = {"A table with your records": "\r"}
    code, _ = in_terminal(project.command("new"), project.folder, project.environment(), answers)
    assert code == 0 and (project.folder / "job-records.csv").exists()
