"""The index of segments in the journal: damaged, lost, from before there were documents, forgotten."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.document_jobs import everything
from tests.support.journals import change
from tests.support.pages import begin, page, run, written
from tests.support.project import Project
from tests.support.sentences import LANGUAGES, english, translated
from tests.support.translator import Asked, Texts, translator, well

JOURNAL = "output/docs/journal.sqlite"
PAGES = {"a.md": list(range(40)), "guide/b.md": [50, 51, 3]}


def right(project: Project) -> bool:
    """Whether every translation stands where it belongs."""
    return all(written(project, name) == translated(page(of), "de") for name, of in PAGES.items())


def damaged(path: Path, seed: int, value: Callable[[random.Random], object], column: str) -> int:
    """Alter every third row of the index; how many were altered."""
    dice = random.Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        rows = plain.execute("SELECT key, digest, place FROM segments").fetchall()
        chosen = dice.sample(rows, len(rows) // 3)
        for row in chosen:
            sql = f"UPDATE OR REPLACE segments SET {column} = ? WHERE key = ? AND digest = ? AND place = ?"
            plain.execute(sql, (value(dice), *row))
        return len(chosen)


DAMAGE: dict[str, tuple[str, Callable[[random.Random], object]]] = {
    "another place": ("place", lambda dice: dice.randint(1, 20)),
    "a place that is no number": ("place", lambda dice: "x"),
    "another size": ("of", lambda dice: 1),
    "another request": ("digest", lambda dice: dice.randbytes(32)),
    "a request that is a text": ("digest", lambda dice: "deadbeef"),
    "another segment": ("key", lambda dice: dice.randbytes(16)),
    "another checksum": ("sum", lambda dice: dice.getrandbits(60)),
    "a checksum that is a text": ("sum", lambda dice: "x"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_row_never_puts_a_translation_at_a_wrong_segment(project: Project, damage: str) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, PAGES)
        run(project)
        before, asked = everything(project), len(seen.texts)
        column, value = DAMAGE[damage]
        damaged(project.folder / JOURNAL, 7, value, column)
        verified = project.run("journal", "verify", "job.yaml")
        assert verified.returncode == 74 and "in the index of segments" in verified.stdout
        assert "in the index" not in (said := project.run("doctor", "job.yaml").stdout)
        assert "do not match their checksums" in said
        assert project.run("plan", "job.yaml").returncode == 0
        run(project)
        assert right(project) and everything(project) == before
        assert len(seen.texts) - asked <= asked // 3 + 1, "asked again at worst"


def test_a_lost_index_is_made_again_from_the_replies(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, PAGES)
        run(project)
        before, asked = everything(project), len(seen.requests)
        change(project.folder / JOURNAL, "DROP TABLE segments")
        assert project.run("journal", "verify", "job.yaml").returncode == 0
        for command in ("plan", "status", "show", "export"):
            done = project.run(command, "job.yaml")
            assert done.returncode in (0, 75) and not done.stderr, (
                done.stderr
            )  # 75: b.md shares parts of a.md
        run(project)
        assert len(seen.requests) <= asked + 1, "the same requests are answered by the journal"
        assert right(project) and everything(project) == before


def test_an_index_of_another_form_is_an_error_that_names_the_journal(project: Project) -> None:
    with translator() as (server, _):
        begin(project, server.base_url, PAGES)
        run(project)
        change(project.folder / JOURNAL, "DROP TABLE segments")
        change(project.folder / JOURNAL, "CREATE TABLE segments (key BLOB)")
        for command in (("run",), ("plan",), ("export",), ("journal", "verify")):
            done = project.run(*command, "job.yaml")
            assert done.returncode == 74 and "journal.sqlite" in done.stderr, done.stderr
            assert "Traceback" not in done.stderr


def everywhere(project: Project) -> bytes:
    """All bytes of all files that the job has written."""
    folders = (project.folder / "output", project.folder / "out")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    names = "\n".join(map(str, files)).encode()
    return names + b"".join(path.read_bytes() for path in files if path.name != "ballast")


@pytest.mark.parametrize("first", ["a.md", "guide/b.md"])
def test_a_document_is_forgotten_and_what_another_one_shares_stays(project: Project, first: str) -> None:
    """Whichever of both was asked for first: a title and a sentence stand in both."""
    pages = {"a.md": [1, 2, 3, 50], "guide/b.md": [50, 51, 52]}
    with translator() as (server, seen):
        output = "output: {include: [bilingual, tmx], "
        for names in ([first], list(pages)):
            begin(project, server.base_url, {name: pages[name] for name in names}, to="[de, es, pl]")
            job = (project.folder / "job.yaml").read_text().replace("output: {", output)
            (project.folder / "job.yaml").write_text(job)
            run(project)
        asked = len(seen.requests)
        assert len(seen.texts) == 3 * 7
        with closing(sqlite3.connect(project.folder / JOURNAL)) as plain:
            ((spent,),) = plain.execute("SELECT sum(cost) FROM attempts")
        done = project.run("journal", "forget", "job.yaml", "--key", "a.md")
        assert done.returncode == 0, done.stdout + done.stderr
        left = everywhere(project)
        for number in (1, 2, 3):
            for text in (english(number), *(translated(english(number), code) for code in LANGUAGES)):
                assert text.encode() not in left and text.encode("utf-16-le") not in left, text
        assert b"a.md" not in left
        with closing(sqlite3.connect(project.folder / JOURNAL)) as plain:
            assert plain.execute("SELECT sum(cost) FROM attempts").fetchall() == [(spent,)]
            assert plain.execute("SELECT count(DISTINCT key) FROM segments").fetchall() == [(3 * 4,)]
        assert project.run("journal", "verify", "job.yaml").returncode == 0
        (project.folder / "docs/a.md").unlink()
        run(project)
        assert len(seen.requests) == asked, "what it shared is not asked for again"
        for language in LANGUAGES:
            assert written(project, "guide/b.md", language) == translated(page([50, 51, 52]), language)


def test_a_renamed_document_is_forgotten_with_what_was_paid_under_its_old_name(project: Project) -> None:
    with translator() as (server, _):
        begin(project, server.base_url, {"a.md": [1, 2], "b.md": [7]})
        run(project)
        (project.folder / "docs/a.md").rename(project.folder / "docs/other.md")
        run(project)
        assert project.run("journal", "forget", "job.yaml", "--key", "other.md").returncode == 0
        left = everywhere(project)
        assert translated(english(1), "de").encode() not in left
        assert translated(english(7), "de").encode() in left


def test_a_key_that_a_server_sends_back_in_a_translation_is_taken_out(project: Project) -> None:
    from tests.support.project import KEY

    def leaking(texts: Texts, asked: Asked) -> Texts:
        return {name: f"{text} {KEY}" for name, text in well(texts, asked).items()}

    with translator(leaking) as (server, _):
        begin(project, server.base_url, {"a.md": [1, 2]})
        done = project.run("run", "job.yaml")
        assert done.returncode in (0, 3)
        assert KEY not in done.stdout + done.stderr
        assert KEY.encode() not in everywhere(project)
