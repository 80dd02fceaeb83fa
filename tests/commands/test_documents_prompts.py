"""What a model is told beside the text: context of folders, instructions by language, and what that costs."""

from __future__ import annotations

import pytest

from pipeline.testing import Script
from tests.support.pages import begin, page, run, written
from tests.support.project import Project
from tests.support.sentences import english, translated
from tests.support.translator import translator


def put(project: Project, name: str, text: str | bytes) -> None:
    path = project.folder / "docs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_a_context_is_told_for_all_documents_below_it_and_is_none_itself(project: Project) -> None:
    with translator() as (server, seen):
        pages = {"a.md": [0, 1], "x/b.md": list(range(10, 50)), "x/y/c.md": [60], "z/d.md": [70]}
        begin(project, server.base_url, pages)
        put(project, "context.md", "Pumps are machines.\n")
        put(project, "x/context.md", "\ufeffThese are for plumbers.\r\n")
        assert (
            "1 file (context" not in (said := project.run("check", "job.yaml").stdout)
            and "2 files (context" in said
        )
        run(project)
        systems = dict.fromkeys(seen.systems)
        assert len(systems) == 2, "the same for all documents of a folder, byte for byte"
        for system, body in zip(seen.systems, seen.requests, strict=True):
            below = any(f" {n} " in body.last or f" {n}." in body.last for n in (*range(10, 50), 60))
            assert "Pumps are machines." in system
            assert ("machines.\n\nThese are for plumbers." in system) == below
        assert not (project.folder / "out/de/context.md").exists()
        asked = len(seen.requests)
        put(project, "context.md", "Pumps are not machines.\n")
        run(project)
        assert len(seen.requests) == asked, "it is no part of what an answer is found by"


@pytest.mark.parametrize(
    ("text", "why"),
    [(b"\xff\xfe", "not UTF-8"), (b"x" * 4000, "comes to 4,0")],
)
def test_a_context_that_cannot_be_sent_is_refused(project: Project, text: bytes, why: str) -> None:
    begin(project, "http://127.0.0.1:9/v1", {"x/b.md": [1]})
    put(project, "context.md", "y" * 95)
    put(project, "x/context.md", text)
    said = run(project, 2)
    assert why in said and "x/context.md" in said


def test_each_language_has_its_own_instructions_and_only_it_is_asked_again(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": [1]}, to="[de, es, pl]", more="style: Be brief.")
        run(project)
        before = len(seen.requests)
        text = (project.folder / "job.yaml").read_text()
        text = text.replace("style: Be brief.", "style: Be brief., styles: {DE: Say Sie., fr: vous}")
        (project.folder / "job.yaml").write_text(text)
        run(project)
        assert [one.language for one in seen.requests[before:]] == ["de"]
        assert "Be brief.\nSay Sie." in seen.systems[-1] and "vous" not in seen.systems[-1]
        assert written(project, "a.md") == translated(page([1]), "de")


def test_a_text_of_a_table_has_the_instructions_of_its_language_too(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {})
        (project.folder / "texts.csv").write_text(f'text\n"{english(3)}"\n')
        job = (project.folder / "job.yaml").read_text().replace("from: docs", "from: texts.csv")
        job = job.replace("{from: en,", '{text: "{{ text }}", from: en, styles: {de: Say Sie.},')
        (project.folder / "job.yaml").write_text(job[: job.rindex("output:")])
        done = project.run("run", "job.yaml")
        assert "Say Sie." in seen.systems[0], done.stderr


@pytest.mark.parametrize(("share", "said"), [(0.5, "% of the input from a cache"), (0.0, "")])
def test_the_share_of_cached_input_is_told_where_there_is_any(
    project: Project, share: float, said: str
) -> None:
    with translator(script=Script(cached=share)) as (server, _):
        begin(project, server.base_url, {"a.md": list(range(40))})
        told = project.numbers("run", "job.yaml")
        assert ("cache_hit_rate" in told) == bool(share)
        if share:
            assert told["cache_hit_rate"] == pytest.approx(share, abs=0.02)
        (project.folder / "docs/a.md").write_text(page([900]))
        assert ("of the input from a cache" in run(project)) == bool(said)


def test_an_edited_text_is_shown_with_what_it_was_before(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(40))}, to="[de, es]")
        run(project)
        assert not any("as they were translated before" in one.last for one in seen.requests)
        before = len(seen.requests)
        numbers = list(range(40))
        numbers[20] = 2020
        (project.folder / "docs/a.md").write_text(page(numbers))
        run(project)
        assert len(seen.requests) == before + 2
        for asked in seen.requests[before:]:
            assert asked.texts == {"s1": english(2020)}
            shown = asked.last[asked.last.index("as they were translated before") :].splitlines()[1]
            assert any(translated(english(n), asked.language) in shown for n in range(0, 40, 4))
        assert written(project, "a.md") == translated(page(numbers), "de")
