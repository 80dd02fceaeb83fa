"""Fine-tuning over the API: what is sent, one job and no second one, whatever happens in between."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any
from unittest.mock import patch

import pytest

from pipeline import api
from pipeline.core.errors import JobError, PipelineError, RunStopped
from pipeline.job.load import load
from pipeline.providers.http.rest import Rest
from pipeline.runs.tuning import finetune
from pipeline.runs.tuning.files import Handed, Wanted
from pipeline.runs.tuning.state import Order, State, Tuned
from tests.support.fine_tuning import MODEL, Trainer, trainer
from tests.support.project import KEY, Project

ROWS = 12
JOB = """# a comment that stays
name: shop
records: {from: records.csv, key: sku}
models:
  writer: {provider: scripted, model: m, options: {answer: "A text."}}   # the writer
  trained:
    model: "m"  # this one is trained
    base_url: URL
    api_key_env: TEST_KEY
steps:
  - {name: post, model: writer, prompt: "Write about {{ title }}."}
"""


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


def tuned(shop: Project, **order: Any) -> Tuned:
    job = load(shop.folder / "job.yaml")
    with patch.dict(os.environ, shop.environment()):
        return api.finetune(job, Order(model="trained", **order), lambda *_: None)


COMMAND = ("finetune", "job.yaml", "--model", "trained")


def test_a_model_comes_out_of_the_accepted_answers(shop: Project, server: Trainer) -> None:
    words = (*COMMAND, "--split", "0.2", "--suffix", "shop", "--epochs", "3", "--base", "m-base", "--yes")
    done = shop.run(*words)
    assert done.returncode == 0, done.stderr
    (job,) = server.jobs.values()
    training, validation = (server.files[job[f"{role}_file"]] for role in ("training", "validation"))
    assert (len(training.splitlines()), len(validation.splitlines())) == (10, 2)
    assert json.loads(training.splitlines()[0])["messages"][-1] == {"role": "assistant", "content": "A text."}
    assert (job["model"], job["suffix"]) == ("m-base", "shop")
    assert job["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
    assert server.keys == {f"Bearer {KEY}"}
    assert f"the model is there: {MODEL}" in done.stdout
    assert f"--set models.trained.model={MODEL}" in done.stdout
    assert "ftjob-0: running, a step was made" in done.stderr
    assert "training m-base costs money: some" in done.stderr and " x 3 = " in done.stderr
    again = shop.run(*words)
    assert again.returncode == 0 and MODEL in again.stdout and len(server.jobs) == 1
    assert (shop.folder / "job.yaml").read_text() == JOB.replace("URL", server.url)


def test_training_is_not_begun_without_a_yes(shop: Project, server: Trainer) -> None:
    done = shop.run(*COMMAND)
    assert done.returncode == 2 and "training costs money" in done.stderr and "--yes" in done.stderr
    assert server.calls == []
    assert not (shop.folder / "output/shop/tuning/post.json").exists()


def test_too_few_examples_are_not_sent(shop: Project, server: Trainer) -> None:
    done = shop.run(*COMMAND, "--limit", "9", "--yes")
    assert done.returncode == 2 and "9 examples are too few: at least 10" in done.stderr
    assert server.calls == []


@pytest.mark.parametrize("fault", ["500 after", "drop after", "500", "drop"])
@pytest.mark.parametrize("times", [1, 2])
def test_an_error_after_the_create_makes_no_second_job(
    fault: str, times: int, shop: Project, server: Trainer
) -> None:
    server.faults = {"create": [fault] * times}
    for _ in range(times + 1):
        try:
            assert tuned(shop).name == MODEL
            break
        except RunStopped as error:
            assert "not known" in error.what and "after" not in fault
    assert len(server.jobs) == 1
    assert server.calls.count("create") == (1 if "after" in fault else times + 1)


@pytest.mark.parametrize("fault", ["500", "drop", "429", "401"])
def test_a_job_is_not_asked_for_again_where_the_list_cannot_be_read(
    fault: str, shop: Project, server: Trainer
) -> None:
    server.faults = {"create": ["drop after"], "list": [fault] * 9}
    for _ in range(3):
        with pytest.raises(RunStopped, match="list of fine-tuning jobs"):
            tuned(shop)
    server.faults = {}
    assert tuned(shop).name == MODEL
    assert len(server.jobs) == 1


def test_a_list_that_shows_a_job_late_is_waited_for(
    shop: Project, server: Trainer, no_time_passes: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults, server.listed = {"create": ["drop after"]}, False
    with pytest.raises(RunStopped, match="not known"):
        tuned(shop)
    assert sum(no_time_passes) == pytest.approx(21)
    no_time_passes.clear()

    def shown(seconds: float) -> None:
        no_time_passes.append(seconds)
        server.listed = True

    monkeypatch.setattr(finetune, "sleep", shown)
    assert tuned(shop).name == MODEL and len(server.jobs) == 1
    assert 100 < no_time_passes[0] <= finetune.SETTLED


def test_a_job_is_found_behind_many_others(shop: Project, server: Trainer) -> None:
    server.faults, server.others = {"create": ["drop after"]}, 450
    assert tuned(shop).name == MODEL
    assert len(server.jobs) == 1 and server.calls.count("list") == 5


def test_a_clock_that_was_set_back_makes_nobody_wait_for_hours(
    shop: Project, server: Trainer, no_time_passes: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = {"create": ["drop"]}
    with pytest.raises(RunStopped, match="not known"):
        tuned(shop)
    monkeypatch.setattr(finetune, "time", lambda: 0.0)
    no_time_passes.clear()
    assert tuned(shop).name == MODEL
    assert max(no_time_passes) <= finetune.SETTLED


class Killed(BaseException):
    """The end of the process."""


def killed_at(instant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the process before or after a call or a write: even instants before, odd ones after."""
    passed = 0

    def at(real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal passed
            passed += 2
            if passed - 2 == instant:
                raise Killed
            result = real(*args, **kwargs)
            if passed - 1 == instant:
                raise Killed
            return result

        return call

    monkeypatch.setattr(Rest, "_call", at(Rest._call))
    monkeypatch.setattr(State, "save", at(State.save))


def test_a_kill_at_any_instant_makes_no_second_job(shop: Project, server: Trainer) -> None:
    job, order = load(shop.folder / "job.yaml"), Order(model="trained", again=True)

    def write(_: str, wanted: Sequence[Wanted]) -> list[Handed]:
        wanted[0].path.write_text("{}\n" * ROWS)
        return [Handed({wanted[0].path: ROWS})]

    def begun(order: Order) -> Tuned:
        return finetune.finetune(job, order, write, lambda *_: None, lambda _: None)

    with patch.dict(os.environ, shop.environment()), patch("os.fsync"):
        for instant in range(99):
            with pytest.MonkeyPatch.context() as patched, suppress(Killed):
                killed_at(instant, patched)
                begun(order)
                break
            assert begun(replace(order, again=False)).name == MODEL
            assert len(server.jobs) == instant + 1
    assert 20 < instant < 99


@pytest.mark.parametrize(("status", "error"), [("failed", "the file is bad"), ("cancelled", "")])
def test_a_job_that_fails_is_told_and_not_begun_again_by_itself(
    status: str, error: str, shop: Project, server: Trainer
) -> None:
    server.stages, server.error = ("running", status), error
    for _ in range(2):
        with pytest.raises(JobError, match=f"ftjob-0 is {status}.*{error}") as caught:
            tuned(shop)
        assert "--again" in caught.value.hint
    server.stages, server.error = ("succeeded",), ""
    assert tuned(shop, again=True).job == "ftjob-1"
    assert len(server.jobs) == 2


@pytest.mark.parametrize(
    ("call", "fault", "kind"),
    [
        ("upload", "500", RunStopped),
        ("upload", "drop", RunStopped),
        ("upload", "400", JobError),
        ("upload", "401", RunStopped),
        ("create", "400", JobError),
        ("create", "401", RunStopped),
        ("create", "429", RunStopped),
        ("look", "401", RunStopped),
    ],
)
def test_a_refusal_is_told_and_the_next_command_goes_on(
    call: str, fault: str, kind: type[PipelineError], shop: Project, server: Trainer
) -> None:
    server.faults = {call: [fault]}
    with pytest.raises(kind) as caught:
        tuned(shop)
    assert KEY not in str(caught.value)
    assert tuned(shop, again=True).name == MODEL
    assert len(server.jobs) == 1


def test_a_server_that_is_away_for_a_while_is_waited_for(shop: Project, server: Trainer) -> None:
    server.faults = {"look": ["500", "drop", "429"] * 9}
    assert tuned(shop).name == MODEL
    server.faults = {"look": ["drop"] * 99}
    with pytest.raises(RunStopped, match="goes on at the server"):
        tuned(shop, again=True)


def test_another_order_waits_for_the_one_that_is_under_way(shop: Project, server: Trainer) -> None:
    server.faults = {"look": ["401"]}
    with pytest.raises(RunStopped):
        tuned(shop)
    for other in (
        {"epochs": 9},
        {"share": 0.2},
        {"seed": 5},
        {"with_soft": True},
        {"suffix": "x"},
        {"base": "b"},
    ):
        with pytest.raises(JobError, match="another fine-tuning of this step is under way"):
            tuned(shop, **other)
    (shop.folder / "output/shop/tuning/post.jsonl").write_text("lost")  # it was uploaded already
    assert tuned(shop).name == MODEL
    assert tuned(shop, epochs=9).job == "ftjob-1"


def test_a_changed_file_is_not_uploaded(shop: Project, server: Trainer) -> None:
    server.faults = {"upload": ["500"]}
    with pytest.raises(RunStopped):
        tuned(shop)
    (shop.folder / "output/shop/tuning/post.jsonl").write_text("changed")
    with pytest.raises(JobError, match="the file was changed"):
        tuned(shop)
    assert server.jobs == {}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"marker": 1}', "[" * 100_000, '{"marker": "a", "status": []}']
)
def test_a_state_that_cannot_be_read_begins_nothing(content: str, shop: Project, server: Trainer) -> None:
    tuned(shop)
    (shop.folder / "output/shop/tuning/post.json").write_text(content)
    done = shop.run(*COMMAND, "--yes")
    assert done.returncode == 74 and "not what the program has written" in done.stderr
    assert len(server.jobs) == 1


@pytest.mark.parametrize("name", [7, None, "", "a b", "../x", "a\nb: c", "x" * 999, '"'])
def test_a_name_that_could_do_harm_is_not_taken(name: Any, shop: Project, server: Trainer) -> None:
    with (
        patch("tests.support.fine_tuning.MODEL", name),
        pytest.raises(RunStopped, match="goes on at the server"),
    ):
        tuned(shop)
    assert tuned(shop).name == MODEL


def test_an_interrupt_leaves_the_job_running(
    shop: Project, server: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(finetune, "sleep", interrupt)
        done = shop.run(*COMMAND, "--yes")
    assert "goes on at the server" in done.stderr
    done = shop.run(*COMMAND)
    assert done.returncode == 0 and "going on with the fine-tuning that is under way" in done.stderr
    assert len(server.jobs) == 1


def test_the_name_is_written_into_the_job_file_and_nothing_else_changes(
    shop: Project, server: Trainer
) -> None:
    file = shop.folder / "job.yaml"
    for begin, end in (("", "\n"), ("\ufeff", "\r\n")):
        before = begin + JOB.replace("URL", server.url).replace("\n", end)
        file.write_bytes(before.encode())
        done = shop.run(*COMMAND, "--yes", "--write")
        assert done.returncode == 0, done.stderr
        assert "written into job.yaml: models.trained.model" in done.stdout
        assert file.read_bytes().decode() == before.replace('model: "m"', f'model: "{MODEL}"')


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        (
            {
                'model: "m"': "model: &name m",
                "TEST_KEY\n": "TEST_KEY\n  b: {provider: scripted, model: *name}\n",
            },
            (),
        ),
        ({'    model: "m"': "    model: >-\n      m"}, ()),
        ({}, ("--set", "models.trained.model=m")),
    ],
)
def test_what_is_not_simple_is_not_written(
    changes: dict[str, str], more: tuple[str, ...], shop: Project, server: Trainer
) -> None:
    file = shop.folder / "job.yaml"
    for old, new in changes.items():
        file.write_text(file.read_text().replace(old, new))
    before = file.read_bytes()
    done = shop.run(*COMMAND, "--yes", "--write", *more)
    assert done.returncode == 0, done.stderr
    assert f"model: {MODEL} (" in done.stdout and file.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "trainer"), "there is no model 'trainer'"),
        (("--model", "writer"), "a model of scripted cannot be trained"),
        (("--model", "trained", "--split", "2"), "must be between 0 and 1"),
        (("--model", "trained", "--epochs", "0"), "must be a whole number from 1 on"),
        (("--model", "trained", "--step", "pots"), "did you mean 'post'?"),
    ],
)
def test_a_slip_is_named(options: tuple[str, ...], said: str, shop: Project, server: Trainer) -> None:
    done = shop.run("finetune", "job.yaml", *options, "--yes")
    assert done.returncode == 2 and said in done.stderr
    assert server.calls == []


def test_the_state_of_a_job_is_its_owners_alone(shop: Project, server: Trainer) -> None:
    tuned(shop)
    for file in Path(shop.folder / "output/shop/tuning").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
