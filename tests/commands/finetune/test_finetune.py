"""Fine-tuning over the API: what is sent, what is told, what is written into the job file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.core.errors import JobError, PipelineError, RunStopped
from pipeline.runs.tuning import finetune
from tests.support.fine_tuning import MODEL, Trainer
from tests.support.project import KEY, Project
from tests.support.tuned_shop import COMMAND, JOB, tuned


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


def test_a_model_that_only_the_command_names_can_be_trained(shop: Project, server: Trainer) -> None:
    extra = f"--set=models.extra={{model: m, base_url: '{server.url}', api_key_env: TEST_KEY}}"
    done = shop.run("finetune", "job.yaml", extra, "--model", "extra")
    assert done.returncode == 2 and "training costs money" in done.stderr, done.stderr
    done = shop.run("finetune", "job.yaml", extra, "--model", "trained")
    assert done.returncode == 2 and "no step asks model 'extra'" in done.stderr


def test_too_few_examples_are_not_sent(shop: Project, server: Trainer) -> None:
    done = shop.run(*COMMAND, "--limit", "9", "--yes")
    assert done.returncode == 2 and "9 examples are too few: at least 10" in done.stderr
    assert server.calls == []


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
