"""Files for fine-tuning: what stands in them, what is left out, how they are divided."""

from __future__ import annotations

import base64
import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletionAssistantMessageParam, ChatCompletionMessageParam
from pydantic import TypeAdapter

from tests.support.project import Project
from tests.support.writer import writer

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LONG = "A long text about it, which has all that it needs."
TWICE = {"Your answer": LONG, "tea": "tea", "lamp": LONG + " And a lamp.", "": "short"}
"""`tea` and `mug` are too short at first; `lamp` is long enough at once"""
STEP: dict[str, Any] = {
    "name": "post",
    "system": "You write for a shop.",
    "prompt": "Write about {{ title }}.",
    "checks": {"length": {"min": 20}},
}


def models(answer: Any = None, **more: Any) -> dict[str, Any]:
    return {"writer": {"provider": "scripted", "model": "m", "options": {"answer": answer or TWICE}, **more}}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def written(project: Project, *options: str) -> list[dict[str, Any]]:
    """The examples that an export writes."""
    done = project.run("export", "job.yaml", "--fine-tune", "chat", "out.jsonl", *options)
    assert done.returncode == 0, done.stderr
    return lines(project.folder / "out.jsonl")


@pytest.mark.parametrize("api", ["chat", "responses", "completions"])
def test_the_final_answer_stands_behind_the_first_question(api: str, project: Project) -> None:
    project.job(models=models(api=api), steps=[STEP])
    assert project.run("run", "job.yaml").returncode == 0
    before = (project.folder / "output/shop/journal.sqlite").read_bytes()
    found = written(project)
    assert [one["messages"][1]["content"] for one in found] == [
        f"Write about {title}." for title in ("tea", "lamp", "mug")
    ]
    assert [[message["role"] for message in one["messages"]] for one in found] == [
        ["system", "user", "assistant"]
    ] * 3
    assert [one["messages"][2]["content"] for one in found] == project.result()["post"].to_list()
    for one in found:
        TypeAdapter(list[ChatCompletionMessageParam]).validate_python(one["messages"], strict=True)
    assert (project.folder / "output/shop/journal.sqlite").read_bytes() == before


def test_pairs_come_from_repairs(project: Project) -> None:
    project.job(models=models(), steps=[STEP])
    assert project.run("run", "job.yaml").returncode == 0
    done = project.run("export", "job.yaml", "--preference", "pairs.jsonl")
    assert done.returncode == 0, done.stderr
    found = lines(project.folder / "pairs.jsonl")
    assert [one["input"]["messages"][-1]["content"] for one in found] == [
        "Write about tea.",
        "Write about mug.",
    ]
    for one in found:
        assert one["preferred_output"] == [{"role": "assistant", "content": LONG}]
        assert len(one["non_preferred_output"][0]["content"]) < 20
        TypeAdapter(list[ChatCompletionMessageParam]).validate_python(one["input"]["messages"])
        for side in ("preferred_output", "non_preferred_output"):
            TypeAdapter(list[ChatCompletionAssistantMessageParam]).validate_python(one[side], strict=True)


def test_no_pair_is_no_file(project: Project) -> None:
    project.job(models=models(LONG), steps=[STEP])
    assert project.run("run", "job.yaml").returncode == 0
    done = project.run("export", "job.yaml", "--preference", "pairs.jsonl")
    assert done.returncode == 2 and "there is no example to write" in done.stderr
    assert not (project.folder / "pairs.jsonl").exists()


def test_failed_and_unanswered_rows_are_left_out(project: Project) -> None:
    answer = {"Your answer": "short", "lamp": LONG, "": "short"}
    project.job(models=models(answer), steps=[STEP])
    assert project.run("run", "job.yaml", "--limit", "2").returncode == 3
    done = project.numbers("export", "job.yaml", "--fine-tune", "chat", "out.jsonl")
    assert done["files"][0]["unanswered"] == 2
    assert len(lines(project.folder / "out.jsonl")) == 1


def test_an_answer_with_a_soft_complaint_is_left_out_unless_it_is_wanted(project: Project) -> None:
    step = STEP | {"checks": {"soft": {"excludes": "lamp"}}}
    project.job(models=models({"lamp": "a lamp", "": LONG}), steps=[step])
    assert project.run("run", "job.yaml").returncode == 0
    assert len(written(project)) == 2
    assert len(written(project, "--with-soft")) == 3


def test_what_holds_a_private_value_is_left_out_and_counted(project: Project) -> None:
    file = project.job(models=models(LONG), steps=[STEP])
    file.write_text(file.read_text().replace("  key: sku", "  key: sku\n  private: [title]"))
    assert project.run("run", "job.yaml").returncode == 0
    done = project.run("export", "job.yaml", "--fine-tune", "chat", "out.jsonl")
    assert done.returncode == 2 and "3: they hold a value of a private column" in done.stderr


def test_a_json_answer_is_plain_json(project: Project) -> None:
    step = {"name": "post", "prompt": "Write about {{ title }}.", "answer": {"json": {"head": "string"}}}
    project.job(models=models('Here it is:\n```json\n{"head": "\u00fc"}\n```'), steps=[step])
    assert project.run("run", "job.yaml").returncode == 0
    found = written(project)
    assert [one["messages"][-1]["content"] for one in found] == ['{"head": "\u00fc"}'] * 3


@pytest.fixture
def many(project: Project) -> Iterator[Project]:
    """Sixty records, of which each question occurs with three answers, and each record once more."""
    records = "sku,title\n" + "".join(f"{i},thing {i % 30}\n" for i in range(60))
    step = {"name": "post", "prompt": "About {{ title }}", "each": {"draw": [1, 2, 3]}}
    project.job(models=models(LONG), records=records, steps=[step])
    assert project.run("run", "job.yaml").returncode == 0
    yield project


@pytest.mark.parametrize(("share", "questions"), [("0.1", 3), ("0.5", 15), ("0.001", 1), ("0.999", 29)])
def test_equal_questions_are_on_one_side(share: str, questions: int, many: Project) -> None:
    sides = []
    for seed in ("7", "7", "8"):
        training = written(many, "--split", share, "--seed", seed)
        validation = lines(many.folder / "out.validation.jsonl")
        left, right = (
            Counter(one["messages"][0]["content"] for one in side) for side in (training, validation)
        )
        assert not left.keys() & right.keys()
        assert len(left) == 30 - questions and len(right) == questions
        assert set((left + right).values()) == {1}, "the same answer to the same question stands once"
        sides.append(set(right))
    assert sides[0] == sides[1]
    assert sides[0] != sides[2] or questions == 29


def test_the_same_answers_give_the_same_bytes(many: Project) -> None:
    written(many, "--split", "0.3")
    names = ("out.jsonl", "out.validation.jsonl")
    before = [(many.folder / name).read_bytes() for name in names]
    written(many, "--split", "0.3")
    assert [(many.folder / name).read_bytes() for name in names] == before
    assert not [*many.folder.glob(".out*"), *many.folder.glob("*.part")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fine-tune", "chat", "out.csv", "--step", "post"], "name a file that ends in .jsonl"),
        (["--fine-tune", "chat", "records.jsonl", "--step", "again"], "this is another file of the job"),
        (["--fine-tune", "text", "out.jsonl"], "there is no format 'text'"),
        (
            ["--fine-tune", "chat", "o.jsonl", "--preference", "o.jsonl", "--step", "post"],
            "this is another file",
        ),
        (["--fine-tune", "chat", "o.jsonl", "--step", "pots"], "did you mean 'post'?"),
        (["--fine-tune", "chat", "o.jsonl"], "which step is meant is not clear"),
        (["--fine-tune", "chat", "o.jsonl", "--split", "1"], "--split: must be between 0 and 1"),
        (["--fine-tune", "chat", "o.jsonl", "--seed", "1"], "--seed: works only with --split"),
        (["--split", "0.1"], "--split: works only with --fine-tune or --preference"),
        (["--step", "post"], "--step: works only with --fine-tune or --preference"),
        (["--with-soft"], "--with-soft: works only with"),
    ],
)
def test_what_does_not_fit_is_refused(options: list[str], said: str, project: Project) -> None:
    rows = [{"sku": i, "title": f"thing {i}"} for i in range(3)]
    (project.folder / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    steps = [STEP, {"name": "again", "prompt": "{{ post }}"}]
    project.job(models=models(), steps=steps)
    file = project.folder / "job.yaml"
    file.write_text(file.read_text().replace("records.csv", "records.jsonl"))
    done = project.run("export", "job.yaml", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(lines(project.folder / "records.jsonl")) == 3


def test_each_item_of_a_row_is_an_example_in_its_order(project: Project) -> None:
    outline = {
        "name": "outline",
        "prompt": "Sections for {{ title }}",
        "answer": {"json": {"parts": ["string"]}},
    }
    section = {
        "name": "section",
        "each": {"part": "{{ outline.parts }}"},
        "prompt": "Write {{ part }} for {{ title }}",
        "checks": {"length": {"min": 20}},
    }
    whole = {"name": "whole", "join": "{{ section | join(' ') }}"}
    answer = {"Sections": json.dumps({"parts": ["head", "body", "end"]}), **TWICE}
    project.job(models=models(answer), steps=[outline, section, whole])
    assert project.run("run", "job.yaml").returncode == 0
    found = written(project, "--step", "section")
    asked = [one["messages"][0]["content"] for one in found]
    titles = ("tea", "lamp", "mug")
    assert asked == [f"Write {part} for {title}" for title in titles for part in ("head", "body", "end")]
    done = project.run("export", "job.yaml", "--fine-tune", "chat", "o.jsonl", "--step", "whole")
    assert done.returncode == 2 and "the step 'whole' asks no model" in done.stderr


def test_samples_that_were_not_picked_are_the_other_side_of_a_pair(project: Project) -> None:
    said = iter(["a", "a long one", "the longest of all", "b", "b long one", "so b is the longest"])
    with writer(lambda chat: next(said)) as (server, _):
        step = {"name": "post", "prompt": "About {{ title }}", "samples": 3, "pick": "longest"}
        project.job(server.base_url, records="sku,title\n1,tea\n2,mug\n", steps=[step])
        assert project.run("run", "job.yaml", "--set", "models.writer.limits.concurrency=1").returncode == 0
    assert project.run("export", "job.yaml", "--preference", "pairs.jsonl").returncode == 0
    pairs = lines(project.folder / "pairs.jsonl")
    assert len(pairs) == 4
    for pair in pairs:
        good, bad = (pair[side][0]["content"] for side in ("preferred_output", "non_preferred_output"))
        assert len(good) > len(bad)


def test_all_samples_that_are_kept_are_examples(project: Project) -> None:
    said = iter(["one", "two", "three", "one", "two", "three"])
    with writer(lambda chat: next(said)) as (server, _):
        step = {"name": "post", "prompt": "About {{ title }}", "samples": 3, "pick": "all"}
        project.job(server.base_url, records="sku,title\n1,tea\n2,mug\n", steps=[step])
        assert project.run("run", "job.yaml", "--set", "models.writer.limits.concurrency=1").returncode == 0
    found = Counter(
        (one["messages"][0]["content"], one["messages"][1]["content"]) for one in written(project)
    )
    assert found == Counter(
        (f"About {title}", word) for title in ("tea", "mug") for word in ("one", "two", "three")
    )


def test_a_picture_stands_in_the_example_as_it_was_sent(project: Project) -> None:
    (project.folder / "a.png").write_bytes(PIXEL)
    step = {"name": "post", "prompt": "What is {{ title }}?", "images": ["a.png"]}
    project.job(models=models(LONG), steps=[step])
    assert project.run("run", "job.yaml").returncode == 0
    content = written(project)[0]["messages"][0]["content"]
    url = next(part["image_url"]["url"] for part in content if part["type"] == "image_url")
    assert base64.b64decode(url.partition("base64,")[2]) == PIXEL
    assert {"type": "text", "text": "What is tea?"} in content


@pytest.mark.parametrize("mark", ["[END]", " *[END]*."])
def test_an_answer_has_the_mark_that_its_question_asks_for(mark: str, project: Project) -> None:
    """Else the model would learn to leave it out; and the same answer is no pair."""
    said = {"tea": ["no end", f"repaired{mark}"], "mug": [f"at once\n\n{mark}"]}
    with writer(lambda chat: said["tea" if "tea" in chat.first else "mug"][chat.turn]) as (server, _):
        step = {"name": "post", "prompt": "About {{ title }}", "end": "[END]"}
        project.job(server.base_url, records="sku,title\n1,tea\n2,mug\n", steps=[step])
        assert project.run("run", "job.yaml").returncode == 0
    good = [one["messages"][1]["content"] for one in written(project)]
    assert good == ["repaired\n[END]", "at once\n[END]"]
    assert project.run("export", "job.yaml", "--preference", "pairs.jsonl").returncode == 0
    (pair,) = lines(project.folder / "pairs.jsonl")
    sides = [pair[side][0]["content"] for side in ("preferred_output", "non_preferred_output")]
    assert sides == ["repaired\n[END]", "no end"]


@pytest.mark.parametrize("answer", [None, {"json": {"text": "string"}}])
def test_a_text_by_hand_is_one_example_where_all_samples_are_kept(answer: Any, project: Project) -> None:
    text = json.dumps({"text": LONG}) if answer else LONG
    step = {**STEP, "samples": 2, "pick": "all", **({"answer": answer} if answer else {})}
    project.job(models=models({"": "short"}), records="sku,title\n1,tea\n", steps=[step])
    assert project.run("run", "job.yaml").returncode == 3
    sheet = project.folder / "output/shop/review.csv"
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    with sheet.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, row)
        table.writeheader()
        table.writerow({**row, "answer": text, "accept": "yes"})
    assert project.run("run", "job.yaml").returncode == 0
    (example,) = written(project)
    assert example["messages"][-1]["content"] == text
