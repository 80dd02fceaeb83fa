"""Rows whose answers were all rejected wait for a person, whose decision the next run takes in."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.testing import Script
from tests.support.desk import ANSWER, LONG, Desk, desks, wrong
from tests.support.project import Project
from tests.support.server import serve

JSON: dict[str, Any] = {
    "name": "card",
    "prompt": "Card of {{ title }}",
    "answer": {"json": {"head": "string", "stars": "integer"}},
    "checks": {"excludes": "on and on"},
    "repairs": 0,
}


@pytest.fixture
def desk(project: Project) -> Iterator[Callable[..., Desk]]:
    """Desks for a project."""
    with desks(project) as made:
        yield made


def test_a_row_that_waits_is_there_with_its_best_attempt(desk: Callable[..., Desk]) -> None:
    of = desk()
    (row,) = of.read()
    assert row == {
        "key": "00003",
        "step": "post",
        "why": row["why"],
        "answer": "'" + LONG,
        "accept": "",
        "request": row["request"],
    }
    assert row["why"].startswith("the answer must not contain")
    assert of.path().stat().st_mode & 0o777 == 0o600
    assert of.read("decisions.csv") == [] and of.cell()[:2] == (None, "failed")
    done = of.project.run("run", "job.yaml")
    assert done.returncode == 3
    assert "\nreview    output/shop/review.csv: 1 row; change `answer`, or write yes into" in done.stdout


DECIDED = {
    "accepted": ({"accept": "yes"}, LONG),
    "in another word": ({"accept": " Ja "}, LONG),
    "edited": ({"answer": ANSWER}, ANSWER),
    "edited and accepted": ({"answer": ANSWER, "accept": "x"}, ANSWER),
    "short and accepted": ({"answer": "Short.", "accept": "yes"}, "Short."),
    "edited with what the check refuses": ({"answer": f"{ANSWER} on and on"}, f"{ANSWER} on and on"),
    "a formula": ({"answer": f"'={ANSWER}"}, f"={ANSWER}"),
    "a formula without its guard": ({"answer": f"={ANSWER}"}, f"={ANSWER}"),
    "carriage returns": (
        {"answer": "One line of a text by hand.\r\nAnother.\r"},
        "One line of a text by hand.\nAnother.",
    ),
}


@pytest.mark.parametrize("name", DECIDED)
def test_a_decision_is_taken_in_by_the_next_run_and_stays(name: str, desk: Callable[..., Desk]) -> None:
    cells, text = DECIDED[name]
    of = desk()
    of.decide(**cells)
    for _ in range(3):
        done = of.run()
        assert (done["ok"], done["failed"], done["to_review"], done["by_hand"], done["sent"]) == (
            5,
            0,
            0,
            1,
            0,
        )
        assert of.cell() == (text, "ok", "by hand")
        assert not of.path().exists() and len(of.read("decisions.csv")) == 1
        assert of.read("decisions.csv")[0]["why"].startswith("the answer must not contain")
    before = of.path("decisions.csv").read_bytes()
    assert of.run("export")["by_hand"] == 1 and of.path("decisions.csv").read_bytes() == before
    assert "0 requests" in of.project.run("plan", "job.yaml").stdout or of.run("plan")["missing"] == 0


UNTOUCHED: dict[str, dict[str, str]] = {
    "nothing": {},
    "only blanks": {"answer": f"'{LONG}".replace(" ", "  ").replace("\n", "\r\n") + "  "},
    "emptied": {"answer": ""},
    "a key that a spreadsheet changed": {"key": "3", "step": "Post"},
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_a_spreadsheet_does_by_itself_is_no_decision(name: str, desk: Callable[..., Desk]) -> None:
    of = desk()
    before = of.read()
    of.decide(**UNTOUCHED[name])
    assert of.run()["failed"] == 1 and of.read() == before and not of.read("decisions.csv")


REFUSED = {
    "short without a yes": ({"answer": "7"}, "taken only with `yes`"),
    "a no": ({"answer": ANSWER, "accept": "no"}, "`accept` is 'no'"),
    "nothing to accept": ({"answer": "", "accept": "yes"}, "there is no answer to accept"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_used_is_told_and_kept(name: str, desk: Callable[..., Desk]) -> None:
    cells, said = REFUSED[name]
    of = desk()
    of.decide(**cells)
    for _ in range(2):
        done = of.run()
        assert done["failed"] == done["to_review"] == 1
        (remark,) = done["review_remarks"]
        assert "review.csv, line 2: " in remark and said in remark
        (row,) = of.read()
        assert row | cells == row and said in row["why"] and "must not contain" in row["why"]
    assert f"warning: {remark}" in of.project.run("plan", "job.yaml").stderr


def test_a_cell_that_a_spreadsheet_cut_off_is_not_taken_even_with_a_yes(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer="x" * 32_767, accept="yes")
    done = of.run()
    assert done["failed"] == 1 and "32,767 characters" in done["review_remarks"][0]
    assert of.read()[0]["answer"] == f"'{LONG}"


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"head": "By hand, again", "stars": 4}', ("By hand, again", "4")),
        ("{“head”: “By hand, again”, “stars”: 4}", ("By hand, again", "4")),
        ('{"head": "a “quoted” head", "stars": 4}', ("a “quoted” head", "4")),
        ('{"head": "By hand, again", "stars": "four"}', None),
        ('{"head": "By hand, again"', None),
    ],
)
def test_a_json_answer_by_hand_fits_its_shape_or_is_not_used(
    answer: str, value: tuple[str, str] | None, project: Project
) -> None:
    bad = '{"head": "on and on", "stars": 3}'
    with serve(Script(faults=(wrong("thing 3", bad),))) as server:
        of = Desk(project, server.base_url, [JSON])
        assert of.run()["to_review"] == 1 and of.read()[0]["answer"] == bad
        of.decide(answer=answer)
        done = of.run()
        if value:
            assert (of.cell("card.head")[0], of.cell("card.stars")[0]) == value and done["ok"] == 5
        else:
            assert done["failed"] == 1 and "review.csv, line 2: the " in done["review_remarks"][0]
            assert of.read()[0]["answer"] == answer


SAVED: dict[str, dict[str, Any]] = {
    "Excel with a comma": {"encoding": "utf-8-sig", "lineterminator": "\r\n"},
    "Excel with semicolons": {"encoding": "utf-8-sig", "delimiter": ";", "lineterminator": "\r\n"},
    "Excel as Unicode text": {"encoding": "utf-16", "delimiter": "\t"},
    "LibreOffice": {"encoding": "utf-8", "quoting": csv.QUOTE_ALL},
    "an old Mac": {"encoding": "utf-8", "lineterminator": "\r"},
}


@pytest.mark.parametrize("editor", SAVED)
def test_the_file_is_read_as_editors_save_it(editor: str, desk: Callable[..., Desk]) -> None:
    of = desk()
    (row,) = of.read()
    text = 'Ein Text; er ist „von Hand“, 你好, 🙂.\nMit "zwei" Zeilen.'
    of.write([{**dict(reversed(row.items())), "answer": text, "accept": "yes"}], **SAVED[editor])
    assert of.run()["by_hand"] == 1 and of.cell()[0] == text


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "a code page": lambda content: content.decode("utf-8-sig").encode("cp1252", "replace"),
    "a code page read as another": lambda content: content.decode("cp1252", "replace").encode(),
    "no header": lambda content: content.split(b"\n", 1)[1],
    "a lost mark": lambda content: content.replace("✓".encode(), b"", 1).rsplit(b"-", 1)[0] + b"\n",
    "an open quote": lambda content: content.rstrip() + b'\n"00004,post,x,y,z\n',
    "bytes": lambda content: content + b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("command", ["run", "plan", "export"])
def test_a_file_that_cannot_be_relied_on_stops_before_anything_and_is_not_written_over(
    name: str, command: str, desk: Callable[..., Desk]
) -> None:
    of = desk()
    of.decide(answer=f"{ANSWER} 你好")
    broken = BROKEN[name](of.path().read_bytes())
    of.path().write_bytes(broken)
    done = of.project.run(command, "job.yaml")
    assert done.returncode == 2 and "review.csv" in done.stderr and "remove the file" in done.stderr
    assert of.path().read_bytes() == broken
    of.path().unlink()
    assert of.run()["to_review"] == 1


def test_a_decision_about_another_prompt_is_stale_until_the_prompt_is_back(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer=ANSWER)
    assert of.run()["by_hand"] == 1
    of.job(prompt="Write at length of {{ title }}.")
    done = of.run()
    assert (done["ok"], done["failed"], done["by_hand"], done["to_review"]) == (4, 1, 0, 1)
    assert done["review_remarks"] == [
        "1 decision is not used: the prompts have changed since (decisions.csv says which)"
    ]
    assert of.read("decisions.csv")[0]["why"] == "not used: the prompt of this row has changed since"
    assert of.read("decisions.csv")[0]["answer"] == ANSWER
    of.job()
    assert of.run()["by_hand"] == 1 and of.cell()[0] == ANSWER
    assert of.read("decisions.csv")[0]["why"] == ""


def test_another_model_or_another_setting_changes_no_decision(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer=ANSWER)
    of.run()
    of.job(params={"temperature": 0.5})
    assert of.run()["by_hand"] == 1 and of.cell() == (ANSWER, "ok", "by hand")


def test_decisions_about_rows_that_are_left_out_now_are_kept(desk: Callable[..., Desk]) -> None:
    of = desk()
    of.decide(answer=ANSWER)
    of.run()
    before = of.path("decisions.csv").read_bytes()
    assert of.project.run("run", "job.yaml", "--limit", "2").returncode == 0
    assert of.path("decisions.csv").read_bytes() == before
    assert of.run()["by_hand"] == 1


def test_a_copy_that_was_open_in_an_editor_loses_nothing_when_it_is_saved(desk: Callable[..., Desk]) -> None:
    of = desk()
    old = of.read()
    of.decide(answer=ANSWER)
    of.run()
    of.write(old)  # the editor had the file open from before, and saves it unchanged
    assert of.run()["by_hand"] == 1 and of.cell()[0] == ANSWER and not of.path().exists()
    of.write([old[0] | {"answer": f"{ANSWER} Better."}])
    assert of.run()["by_hand"] == 1 and of.cell()[0] == f"{ANSWER} Better."
    of.path("decisions.csv").unlink()
    assert of.run()["to_review"] == 1 and of.cell()[1] == "failed"
