"""Documents into other languages: what is asked, what is paid, what is written, also by bad translators."""

from __future__ import annotations

import re

import pytest

from tests.support.pages import TITLE, begin, page, run, written
from tests.support.project import Project
from tests.support.sentences import english, translated
from tests.support.translator import Asked, Texts, Translate, identity, translator, well


def test_a_folder_becomes_the_same_folder_in_every_language(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(40)), "guide/b.md": [50, 51]}, to="[de, es, pl]")
        run(project)
        for name in ("a.md", "guide/b.md"):
            source = (project.folder / "docs" / name).read_text()
            for language in ("de", "es", "pl"):
                assert written(project, name, language) == translated(source, language)
        asked = len(seen.requests)
        assert len(seen.texts) == 3 * 43  # the title stands in two documents, and is asked for once
        run(project)
        assert len(seen.requests) == asked, "a finished job sends nothing"


def test_an_edited_paragraph_is_asked_for_alone(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(200))})
        run(project)
        before = len(seen.requests)
        numbers = list(range(200))
        numbers[100] = 777
        (project.folder / "docs/a.md").write_text(page(numbers))
        run(project)
        assert [one.texts for one in seen.requests[before:]] == [{"s1": english(777)}]
        assert written(project, "a.md") == translated(page(numbers), "de")


def test_a_moved_section_and_a_renamed_file_cost_nothing(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(60))})
        run(project)
        before = len(seen.requests)
        numbers = [*range(30, 60), *range(30)]
        (project.folder / "docs/a.md").unlink()
        (project.folder / "docs/other.md").write_text(page(numbers))
        run(project)
        assert len(seen.requests) == before
        assert written(project, "other.md") == translated(page(numbers), "de")
        assert not (project.folder / "out/de/a.md").exists()


def test_what_cannot_be_translated_stays_and_is_named(project: Project) -> None:
    def stubborn(texts: Texts, asked: Asked) -> Texts:
        return {
            name: text if "7" in text else well({name: text}, asked)[name] for name, text in texts.items()
        }

    with translator(stubborn) as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(10))})
        said = run(project, 3)
        assert written(project, "a.md").count(english(7)) == 1
        assert written(project, "a.md").replace(english(7), translated(english(7), "de")) == translated(
            page(list(range(10))), "de"
        )
        assert sum(english(7) in text for text in seen.texts) == 4, "one answer and three repairs"
        assert "a.md" in said + (project.folder / "output/docs/report.md").read_text()
        before = len(seen.requests)
        run(project, 3)
        assert len(seen.requests) == before
    with translator() as (server, seen):
        text = (project.folder / "job.yaml").read_text()
        (project.folder / "job.yaml").write_text(
            re.sub(r'base_url: "[^"]*"', f'base_url: "{server.base_url}"', text)
        )
        run(project, 0, "--retry-failed")
        assert seen.texts == [english(7)]
        assert written(project, "a.md") == translated(page(list(range(10))), "de")


def test_what_was_refused_as_a_whole_is_asked_for_again_on_request_and_only_then(project: Project) -> None:
    """The requests are equal to those of the first time, and their answers are in the journal."""
    answer: list[Translate] = [identity]
    with translator(lambda texts, asked: answer[0](texts, asked)) as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(12)), "b.md": [3, 50]})
        run(project, 3)
        tried = len(seen.requests)
        run(project, 3, "--retry-failed")
        assert len(seen.requests) == 2 * tried, "it pays for all tries again"
        run(project, 3)
        assert len(seen.requests) == 2 * tried
        answer[0] = well
        run(project, 0, "--retry-failed")
        assert written(project, "a.md") == translated(page(list(range(12))), "de")
        run(project)
        assert len(seen.requests) == 2 * tried + 2


def test_a_soft_complaint_is_sent_once_and_then_given_in_to(project: Project) -> None:
    """A lost full stop may be meant: the same answer twice is accepted, and marked."""

    def without_a_stop(texts: Texts, asked: Asked) -> Texts:
        return {name: text.removesuffix(".") for name, text in well(texts, asked).items()}

    with translator(without_a_stop) as (server, seen):
        begin(project, server.base_url, {"a.md": [5]})
        run(project)
        assert written(project, "a.md") == translated(page([5]), "de").replace(".", "")
        assert seen.texts == [TITLE, english(5)] * 2


def test_a_server_without_schemas_is_asked_in_a_simpler_way(project: Project) -> None:
    def plain(texts: Texts, asked: Asked) -> Texts | str:
        return "{" if asked.schema else well(texts, asked)

    with translator(plain) as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(30))})
        run(project)
        assert written(project, "a.md") == translated(page(list(range(30))), "de")
        assert sum(one.schema for one in seen.requests) <= 5


def test_parts_of_a_document_are_asked_for_at_once_on_request(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(100))}, more="context: source")
        run(project)
        assert written(project, "a.md") == translated(page(list(range(100))), "de")
        assert not any("->" in one.last for one in seen.requests)


def test_a_stronger_model_gets_what_the_first_cannot_translate(project: Project) -> None:
    with translator(identity) as (weak, _), translator() as (strong, seen):
        begin(project, weak.base_url, {"a.md": [1, 2]}, more="escalate: expert")
        text = (project.folder / "job.yaml").read_text()
        expert = f'models: {{expert: {{model: big, base_url: "{strong.base_url}", api_key_env: TEST_KEY}}, '
        text = text.replace("models: {", expert).replace("each:", "model: m\n    each:")
        (project.folder / "job.yaml").write_text(text)
        run(project)
        assert written(project, "a.md") == translated(page([1, 2]), "de")
        assert sorted(seen.texts) == sorted([TITLE, english(1), english(2)])


def test_a_plan_counts_every_batch(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(100)), "b.md": list(range(200, 230))})
        plan = project.numbers("plan", "job.yaml")
        assert not any("reads no column" in warning for warning in plan["warnings"])
        run(project)
        assert plan["steps"][0]["missing"] == len(seen.requests)
        assert project.numbers("plan", "job.yaml")["steps"][0]["missing"] == 0


def test_a_memory_is_named_as_a_job_and_is_no_path(project: Project) -> None:
    begin(project, "http://127.0.0.1:9/v1", {"a.md": [1]}, more="memory: ../../docs")
    assert "job.yaml:8" in (said := run(project, 2)) and "may have only letters" in said
    assert not (project.folder / "output").exists()


def test_another_jobs_translations_are_used_on_request(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(20))})
        run(project)
        before = len(seen.requests)
        text = (project.folder / "job.yaml").read_text().replace("name: docs", "name: second", 1)
        text = text.replace("out/", "out2/").replace('to: "{{ lang }}"', 'to: "{{ lang }}", memory: docs')
        (project.folder / "second.yaml").write_text(text)
        done = project.run("run", "second.yaml")
        assert done.returncode == 0, done.stderr
        assert len(seen.requests) == before
        assert (project.folder / "out2/de/a.md").read_text() == translated(page(list(range(20))), "de")


def test_translations_are_compared_with_those_of_people(project: Project) -> None:
    pytest.importorskip("sacrebleu")
    with translator() as (server, _):
        begin(project, server.base_url, {"a.md": [1, 2, 3], "b.md": [4]})
        job = (project.folder / "job.yaml").read_text()
        job = job.replace("output: {", "output: {references: human, include: [terms], ")
        (project.folder / "job.yaml").write_text(job)
        for name, text in {"a.md": translated(page([1, 2, 3]), "de"), "b.md": "# Nur ein Titel\n"}.items():
            path = project.folder / "human/de" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run(project)
        report = (project.folder / "output/docs/report.md").read_text()
        assert "de: chrF 100.0, BLEU 100.0" in report
        assert "over 4 segments; left out: 1 document with other paragraphs" in report


def test_a_language_that_the_job_names_no_more_keeps_its_files(project: Project) -> None:
    with translator() as (server, seen):
        begin(project, server.base_url, {"a.md": [1, 2], "b.md": [3]}, to="[de]")
        run(project)
        by_hand = written(project, "a.md").replace(translated(english(2), "de"), "Von Hand geschrieben.")
        (project.folder / "out/de/a.md").write_text(by_hand)
        run(project)
        begin(project, server.base_url, {}, to="[es]")
        assert "removed" not in run(project)
        assert written(project, "a.md") == by_hand and (project.folder / "out/de/b.md").exists()
        assert "all documents are as a run would write them" in run(project, 0, "--frozen")
        (project.folder / "docs/b.md").unlink()
        assert "2 removed" in run(project), "the document is gone, so both of its translations go"
        asked = len(seen.requests)
        begin(project, server.base_url, {"a.md": [4, 1, 2]}, to="[de, es]")
        run(project)
        assert "Von Hand geschrieben." in written(project, "a.md"), "what people wrote is merged"
        assert {text for one in seen.requests[asked:] for text in one.texts.values()} == {english(4)}


def test_the_best_translation_is_written_on_request(project: Project) -> None:
    """One whose language is doubtful is; one that would break the page is not."""

    def bad(texts: Texts, asked: Asked) -> Texts:
        return {
            name: text if "11" in text else f"{text} [x](http://new.example)" for name, text in texts.items()
        }

    with translator(bad) as (server, _):
        begin(project, server.base_url, {"a.md": [11, 12]}, more="needs_review: best")
        run(project, 3)
        assert written(project, "a.md") == page([11, 12])
    with translator(lambda texts, asked: dict.fromkeys(texts, "Une phrase en français pour cette page.")) as (
        server,
        _,
    ):
        (project.folder / "docs/a.md").unlink()
        begin(project, server.base_url, {"b.md": [13]}, more="needs_review: best")
        run(project, 3)
        assert "Une phrase en français" in written(project, "b.md")


def test_a_link_to_a_heading_does_not_keep_an_edit_from_being_merged(project: Project) -> None:
    link = (
        f"{english(1)} [{english(2)}](#{english(5).rstrip('.').lower().replace(' ', '-').replace(',', '')})"
    )
    with translator() as (server, _):
        begin(project, server.base_url, {})
        source = project.folder / "docs/a.md"
        source.parent.mkdir()
        before = f"# {english(5)}\n\n{link}\n\n{english(6)}\n\n{english(7)}\n"
        source.write_text(before)
        run(project)
        assert link[link.index("](#") :] not in written(project, "a.md"), "the anchor is renamed"
        by_hand = written(project, "a.md").replace(translated(english(6), "de"), "Von Hand geschrieben.")
        (project.folder / "out/de/a.md").write_text(by_hand)
        source.write_text(before.replace(english(7), english(8)))
        assert "changed in more than" not in run(project)
        assert written(project, "a.md") == by_hand.replace(
            translated(english(7), "de"), translated(english(8), "de")
        )
