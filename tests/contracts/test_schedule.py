"""What docs/schedule has to copy is right: units, lines of cron, files of CI, the script, exit codes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.core import errors
from pipeline.core.errors import EXIT_CODES, PipelineError
from pipeline.testing import Rule, Script
from tests.support import ROOT
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

FOLDER = ROOT / "docs" / "schedule"
FILES = sorted(FOLDER.iterdir())
HELP = (ROOT / "docs/commands.md").read_text("utf-8")
COMMAND = re.compile(r"\bpipeline (run|plan|check|status|export|doctor)\b([^\n`|>;']*)")
FIELD = r"(?:\*|\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)(?:/\d+)?"
LINE = re.compile(rf"(?P<when>(?:{FIELD}\s+){{5}})(?P<command>\S.*)")
MOST = (59, 23, 31, 12, 7)


def schedules(text: str) -> list[str]:
    """The command of each line of a crontab; it fails for a line that is none."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#") or re.fullmatch(r"[A-Z]+=\S+", line):
            continue
        parsed = LINE.fullmatch(line)
        assert parsed, f"not a line of cron: {line}"
        for field, most in zip(parsed["when"].split(), MOST, strict=True):
            assert all(int(number) <= most for number in re.findall(r"\d+", field.partition("/")[0])), line
        assert "%" not in parsed["command"], "cron makes a line break of it"
        found.append(parsed["command"])
    return found


def test_every_line_of_cron_can_be_read_and_calls_what_is_there() -> None:
    commands = schedules((FOLDER / "crontab").read_text())
    page = (ROOT / "docs/schedule.md").read_text("utf-8")
    commands += schedules("\n".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL)))
    assert len(commands) == 3
    run = HELP.partition("## pipeline run\n")[2].partition("\n## ")[0]
    for command in commands:
        assert "./nightly.sh jobs/products.yaml" in command
        for option in re.findall(r"--[a-z-]+", command):
            assert f"{option} " in run, option
    for wrong in ("61 * * * * x", "* * * x", "0 1 * * * date +%F"):
        with pytest.raises(AssertionError):
            schedules(wrong)


@pytest.mark.parametrize("file", [*FILES, ROOT / "docs/schedule.md"], ids=lambda file: file.name)
def test_every_option_that_is_named_is_there(file: Path) -> None:
    for command, words in COMMAND.findall(file.read_text("utf-8")):
        known = HELP.partition(f"## pipeline {command}\n")[2].partition("\n## ")[0]
        for option in re.findall(r"--[a-z-]+", words):
            assert f"  {option} " in known, f"{command} {option}"


def verified(folder: Path, change: tuple[str, str] = ("", "")) -> str:
    """What systemd has to say of the units, which are those of a job named products."""
    for file in FOLDER.glob("texts@.*"):
        text = file.read_text().replace(*change) if change[0] else file.read_text()
        (folder / file.name.replace("@", "@products")).write_text(text)
    units = sorted(map(str, folder.glob("texts@*")))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60
    )
    ours = [line for line in done.stderr.splitlines() if "texts@" in line]
    return "\n".join(ours) or ("" if done.returncode == 0 else done.stderr)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not there")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    assert verified(tmp_path) == ""
    assert "OnCalender" in verified(tmp_path, ("OnCalendar", "OnCalender"))
    assert verified(tmp_path, ("RestartForceExitStatus=75", "RestartForceExitStatus=many"))


def test_the_units_treat_exit_codes_as_the_table_says() -> None:
    unit = (FOLDER / "texts@.service").read_text()
    assert re.findall(r"^RestartForceExitStatus=(.*)$", unit, re.MULTILINE) == ["75"]
    assert re.findall(r"^SuccessExitStatus=(.*)$", unit, re.MULTILINE) == ["3 130"]
    assert "Restart=no" in unit.splitlines()
    rules = yaml.safe_load((FOLDER / "kubernetes.yaml").read_text())
    spec = rules["spec"]["jobTemplate"]["spec"]
    assert spec["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"] == [1, 2, 4, 74]
    names = [one["name"] for one in spec["template"]["spec"]["containers"]]
    assert [spec["podFailurePolicy"]["rules"][0]["onExitCodes"]["containerName"]] == names


def test_every_exit_code_of_an_error_is_in_the_table() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, PipelineError)}
    assert codes | {errors.OK, errors.ROWS_FAILED} == EXIT_CODES.keys()
    assert all(one.short and one.meaning and one.todo for one in EXIT_CODES.values())


def steps(name: str) -> list[dict[str, Any]]:
    """The steps of the workflow."""
    read = yaml.safe_load((FOLDER / name).read_text())
    found: list[dict[str, Any]] = read["jobs"]["texts"]["steps"]
    return found


def test_the_files_of_ci_keep_the_journal_whatever_comes() -> None:
    actions = steps("github-actions.yml")
    restore, save = (step for step in actions if "cache" in step.get("uses", ""))
    assert restore["with"]["path"] == save["with"]["path"] == "output" and save["if"] == "always()"
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])
    lab = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text())["texts"]
    assert lab["cache"]["paths"] == ["output/"] and lab["cache"]["when"] == "always"
    assert lab["allow_failure"]["exit_codes"] == [3] and lab["retry"]["exit_codes"] == [75]


QUIET = (0, 75)
"""exit codes after which nobody has to do anything"""


def shell(project: Project, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command where `pipeline` is this program."""
    (project.folder / "bin").mkdir(exist_ok=True)
    file = project.folder / "bin/pipeline"
    file.write_text(f"#!/bin/sh\n{program}\n")
    file.chmod(0o755)
    path = f"{file.parent}{os.pathsep}{os.environ['PATH']}"
    environment = project.environment(PATH=path, PYTHONPATH=str(ROOT))
    return subprocess.run(
        words, cwd=project.folder, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("code", EXIT_CODES)
def test_the_scripts_turn_each_exit_code_into_what_their_callers_understand(
    code: int, project: Project
) -> None:
    program = f"echo '{{}}'; echo said >&2; exit {code}"
    cron = shell(project, program, "sh", str(FOLDER / "nightly.sh"), "jobs/products.yaml", "--detach")
    assert cron.returncode == (0 if code in (*QUIET, 3) else code)
    assert bool(cron.stdout) == (code not in QUIET), "cron mails only what somebody has to read"
    last = shell(project, program, "sh", str(FOLDER / "nightly.sh"), "jobs/products.yaml", "--by", "07:00")
    assert last.returncode == cron.returncode
    assert bool(last.stdout) == (code != 0), "what is not done by then, nobody else tells"
    (line,) = (step["run"] for step in steps("github-actions.yml") if step.get("name") == "Run")
    actions = shell(project, program, "bash", "-e", "-c", line)
    assert actions.returncode == (0 if code in (*QUIET, 3) else code)
    assert ("::warning::" in actions.stdout) == (code in (3, 75))


def test_the_script_of_cron_runs_a_job(project: Project) -> None:
    (project.folder / "jobs").mkdir()
    with serve(Script(faults=[Rule(match="lamp", fault="refusal")])) as server:
        project.job(models=served(server.base_url), name="products", output={})
        (project.folder / "job.yaml").rename(project.folder / "jobs/products.yaml")
        (project.folder / "records.csv").rename(project.folder / "jobs/records.csv")
        program = f'exec {sys.executable} -m pipeline "$@"'
        cron = shell(project, program, "sh", str(FOLDER / "nightly.sh"), "jobs/products.yaml")
        again = shell(project, program, "sh", str(FOLDER / "nightly.sh"), "jobs/products.yaml")
    assert (again.returncode, again.stdout) == (0, ""), "failed rows are told once"
    assert cron.returncode == 0 and cron.stdout.startswith("jobs/products.yaml: some rows failed")
    said = yaml.safe_load((project.folder / "output/products.night.json").read_text())
    assert (said["exit_code"], said["outcome"], said["ok"], said["failed"]) == (3, "finished", 2, 1)
