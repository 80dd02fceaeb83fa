"""What people change in translated documents is kept: by segment, over edits, moves, renames and kills."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.output.translated.filing import Filing
from tests.support.document_jobs import everything, file, job, ledger, ran, states, write
from tests.support.project import Project

PARTS = ["The first part.", "The second part.", "The third part.", "The fourth part."]


def text(*parts: str) -> str:
    """Paragraphs."""
    return "\n\n".join(parts) + "\n"


def edited(path: Path, place: int, words: str) -> None:
    """Change one paragraph of a file."""
    parts = path.read_text().rstrip("\n").split("\n\n")
    parts[place] = words
    path.write_text(text(*parts))


def paragraphs(path: Path) -> list[str]:
    """The paragraphs of a file."""
    return path.read_text().rstrip("\n").split("\n\n")


@pytest.fixture
def done(project: Project) -> Project:
    """A job that has translated one document of four paragraphs, the second of which a person changed."""
    write(project, a=text(*PARTS))
    job(project)
    ran(project)
    edited(file(project, "a.txt"), 1, "Von Hand.")
    return project


def test_a_changed_segment_is_kept_on_all_later_runs(done: Project) -> None:
    ran(done)
    before = everything(done)
    assert paragraphs(file(done, "a.txt"))[1] == "Von Hand."
    (row,) = [row for row in ledger(done) if row["state"] == "edited"]
    assert (row["target"], row["place"]) == ("Von Hand.", 2)
    assert row["candidate"] not in ("", "Von Hand.")
    assert "0 requests sent" in ran(done).stdout
    assert everything(done) == before
    assert "1 changed by people and kept" in ran(done).stdout


def test_other_segments_go_on_and_only_they_are_paid_for(done: Project) -> None:
    write(done, a=text("A new beginning.", *PARTS[:3], "The fourth part, new."))
    assert "2 requests sent" in ran(done).stdout
    found = paragraphs(file(done, "a.txt"))
    assert len(found) == 5 and found[2] == "Von Hand."
    assert states(done)["The second part."] == "edited"


def test_a_changed_source_is_a_conflict_until_a_person_changes_the_text_again(done: Project) -> None:
    write(done, a=text(PARTS[0], "The second part, changed.", *PARTS[2:]))
    said = ran(done, code=3).stdout
    assert "1 to review" in said and "conflict: a.txt (pseudo), segment 2" in said
    assert paragraphs(file(done, "a.txt"))[1] == "Von Hand."
    report = (done.folder / "output/shop/report.md").read_text()
    assert "kept: Von Hand." in report and "would be written: " in report
    before = everything(done)
    assert "1 to review" in ran(done, code=3).stdout
    assert everything(done) == before
    edited(file(done, "a.txt"), 1, "Von Hand, neu.")
    ran(done)
    assert states(done)["The second part, changed."] == "edited"
    assert paragraphs(file(done, "a.txt"))[1] == "Von Hand, neu."


def test_a_text_that_becomes_what_would_be_written_is_no_edit_any_more(done: Project) -> None:
    ran(done)
    (row,) = [row for row in ledger(done) if row["state"] == "edited"]
    edited(file(done, "a.txt"), 1, row["candidate"])
    ran(done)
    assert set(states(done).values()) == {"ok"}


MOVES = {
    "a section to the end": {"a": text(PARTS[0], *PARTS[2:], PARTS[1])},
    "a section to the beginning, others changed": {"a": text(PARTS[1], "New.", PARTS[2], PARTS[0])},
    "into another document behind": {"a": text(PARTS[0], *PARTS[2:]), "b": text("More.", PARTS[1])},
    "a renamed file": {"new__name": text(*PARTS)},
    "a renamed file that was changed": {"z": text("Before.", PARTS[1], "After.")},
}


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("move", MOVES)
def test_an_edit_goes_with_its_source(done: Project, move: str, recorded: bool) -> None:
    if recorded:
        ran(done)
    (done.folder / "docs/a.txt").unlink()
    write(done, **MOVES[move])
    ran(done)
    assert [row["target"] for row in ledger(done) if row["source"] == PARTS[1]] == ["Von Hand."]
    for name, source in MOVES[move].items():
        target = paragraphs(file(done, f"{name.replace('__', '/')}.txt"))
        place = paragraphs_of(source).index(PARTS[1]) if PARTS[1] in source else -1
        assert place < 0 or target[place] == "Von Hand."
    before = everything(done)
    ran(done)
    assert everything(done) == before


def paragraphs_of(source: str) -> list[str]:
    """The paragraphs of a text."""
    return source.rstrip("\n").split("\n\n")


def test_an_edit_whose_source_is_gone_is_remembered_and_comes_back_with_it(done: Project) -> None:
    write(done, a=text(PARTS[0], *PARTS[2:]))
    ran(done)
    assert states(done)[PARTS[1]] == "gone"
    assert "Texts of people whose source is gone (1)" in (done.folder / "output/shop/report.md").read_text()
    ran(done)
    write(done, a=text(*PARTS))
    ran(done)
    assert paragraphs(file(done, "a.txt"))[1] == "Von Hand."
    assert states(done)[PARTS[1]] == "edited"


def test_two_edits_of_one_source_are_no_ground_to_choose(project: Project) -> None:
    write(project, a=text("Before.", PARTS[1]), b=text("Before.", PARTS[1]))
    job(project)
    ran(project)
    edited(file(project, "a.txt"), 1, "Eins.")
    edited(file(project, "b.txt"), 1, "Zwei.")
    ran(project)
    for name in ("a", "b"):
        (project.folder / f"docs/{name}.txt").unlink()
    write(project, c=text(PARTS[1]))
    ran(project)
    rows = [(row["document"], row["state"]) for row in ledger(project)]
    assert rows == [("c.txt", "ok"), ("a.txt", "gone"), ("b.txt", "gone")]


WHOLE = {
    "a paragraph more": lambda path: path.write_text(path.read_text() + "\nMine.\n"),
    "a paragraph less": lambda path: path.write_text(text(*paragraphs(path)[1:])),
    "another blank line": lambda path: path.write_text(path.read_text().replace("\n\n", "\n\n\n", 1)),
    "nothing left": lambda path: path.write_text(""),
    "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_was_changed_in_more_than_its_texts_is_left_as_it_is(done: Project, case: str) -> None:
    ran(done)
    target = file(done, "a.txt")
    WHOLE[case](target)
    left = target.read_bytes()
    write(done, a=text(*PARTS[:3], "The fourth part, new."))
    for _ in range(2):
        said = ran(done).stdout
        assert "a.txt was changed in more than the texts of its segments: left as it is" in said
        assert target.read_bytes() == left
    target.unlink()
    ran(done)
    assert paragraphs(target)[1] == "Von Hand." and len(paragraphs(target)) == 4


def test_an_edit_in_a_language_that_is_left_out_is_remembered(project: Project) -> None:
    write(project, a=text(*PARTS))
    job(project)
    ran(project)
    edited(file(project, "a.txt"), 1, "Von Hand.")
    ran(project)
    rows = ledger(project)
    ran(project, "run", "job.yaml", "--limit", "0")
    assert ledger(project) == rows


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_an_edit_survives_a_run_that_dies_while_it_moves_its_files(
    done: Project, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    class Died(Exception):
        pass

    def dies(*_: object) -> None:
        raise Died

    write(done, a=text("A new beginning.", *PARTS))
    move = Filing._move_ledger
    with monkeypatch.context() as patch:
        if when == "before":
            patch.setattr("pipeline.output.folder.ResultFolder._move", dies)
        elif when == "between":
            patch.setattr(Filing, "_move_ledger", dies)
        else:
            patch.setattr("pipeline.output.manifest.Manifest.settle", dies)
        for _ in range(2):  # the second run finds files in place that are not settled
            assert done.run("run", "job.yaml").returncode == 1
    assert move is Filing._move_ledger
    ran(done)
    assert paragraphs(file(done, "a.txt"))[2] == "Von Hand."
    assert [row["state"] for row in ledger(done)] == ["ok", "ok", "edited", "ok", "ok"]
    before = everything(done)
    ran(done)
    assert everything(done) == before


def test_a_ledger_in_csv_remembers_as_well(project: Project) -> None:
    write(project, a=text('One\nin two lines, "quoted".', *PARTS))
    job(project, ledger="segments.csv")
    ran(project)
    edited(file(project, "a.txt"), 0, 'Eine\nZeile, "zwei".')
    ran(project)
    ran(project)
    assert file(project, "a.txt").read_text().startswith('Eine\nZeile, "zwei".\n\n')


def test_a_ledger_that_is_none_stops_the_run_before_anything_is_overwritten(done: Project) -> None:
    path = done.folder / "output/shop/segments.parquet"
    path.write_bytes(b"PAR1 no")
    left = file(done, "a.txt").read_bytes()
    said = ran(done, code=2).stderr
    assert "segments.parquet" in said
    assert file(done, "a.txt").read_bytes() == left


def test_the_end_of_a_run_is_told_to_programs(done: Project) -> None:
    numbers = json.loads(ran(done, "run", "job.yaml", "--json").stdout)
    assert numbers["segments"] == {"ok": 3, "edited": 1}
