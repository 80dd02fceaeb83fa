"""Segments that a person has to look at, documents that would be broken, and what is made of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import polars as pl
import pytest
import yaml

from pipeline.core.document import Finding
from pipeline.documents._spliced import Spliced
from tests.support.document_jobs import everything, file, job, ledger, ran, write
from tests.support.project import Project


def refusing(project: Project) -> None:
    """Let the job ask a model that never translates."""
    path = project.folder / "job.yaml"
    spec = yaml.safe_load(path.read_text())
    spec["models"] = {
        "m": {
            "provider": "scripted",
            "model": "m",
            "options": {"answer": "Liebe Leute, hier ist etwas Text."},
        }
    }
    spec["steps"][0]["translate"]["to"] = "{{ lang }}"
    spec["max_failed"] = 1
    path.write_text(yaml.safe_dump(spec, sort_keys=False))


def test_a_segment_without_a_translation_stays_as_it_is_and_ends_the_run_with_3(
    project: Project,
) -> None:
    write(project, a="Dear {name}, here is some text for people to read.\n\n42\n")
    job(project)
    refusing(project)
    done = ran(project, code=3)
    assert "segments  2: 1 to review; more in output/shop/report.md" in done.stdout
    assert file(project, "a.txt").read_text() == "Dear {name}, here is some text for people to read.\n\n42\n"
    row = project.result("results.csv").to_dicts()[0]
    counts = [row[f"translated.{name}"] for name in ("segments", "translated", "review")]
    assert (*counts, row["_status"]) == ("2", "1", "1", "ok")
    assert [one["state"] for one in ledger(project)] == ["needs_review", "same"]
    report = (project.folder / "output/shop/report.md").read_text()
    assert "### To review (1)" in report and "a.txt, segment 1 (line 1): Dear {name}" in report
    before = everything(project)
    assert "0 requests sent" in ran(project, code=3).stdout
    assert everything(project) == before


def test_a_document_that_would_be_broken_is_not_written_and_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Spliced, built: bytes) -> Sequence[Finding]:
        return [Finding("links", "a link is missing")] if b"broken" in self.content else []

    write(project, a="One broken text.\n", b="Words here.\n")
    job(project)
    ran(project)
    kept = file(project, "a.txt").read_bytes()
    monkeypatch.setattr(Spliced, "broken", broken)
    write(project, a="One broken text, changed.\n")
    done = ran(project, code=3)
    assert "2 rows: 1 ok, 1 failed" in done.stdout
    assert (
        "broken_document: the translated document would not be whole (links: a link is missing)"
        in done.stdout
    )
    assert file(project, "a.txt").read_bytes() == kept
    assert project.result("failures.csv")["key"].to_list() == ["a.txt"]
    assert {row["document"] for row in ledger(project)} == {"a.txt", "b.txt"}


def test_a_persons_text_may_have_a_structure_of_its_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Spliced, built: bytes) -> Sequence[Finding]:
        return [Finding("links", "a link is missing")] if b"Hand" in built else []

    write(project, a="One text.\n\nTwo texts.\n")
    job(project)
    ran(project)
    two = file(project, "a.txt").read_text().partition("\n\n")[2]
    file(project, "a.txt").write_text(f"Von Hand.\n\n{two}")
    monkeypatch.setattr(Spliced, "broken", broken)
    write(project, a="One text.\n\nThree texts.\n")
    ran(project)
    one, _, three = file(project, "a.txt").read_text().partition("\n\n")
    assert one == "Von Hand." and three != two


def test_a_persons_text_that_would_hide_others_leaves_the_document_as_it_is(project: Project) -> None:
    (project.folder / "docs").mkdir()
    (project.folder / "docs/a.md").write_text("One text.\n\nTwo texts.\n")
    job(project)
    ran(project)
    path = project.folder / "output/docs/de/a.md"
    path.write_text(f"```\n{path.read_text()}")
    before = path.read_bytes()
    (project.folder / "docs/a.md").write_text("One text.\n\nThree texts.\n")
    project.run("run", "job.yaml")
    assert path.read_bytes() == before


def test_variants_in_one_language_keep_their_own_edits(project: Project) -> None:
    write(project, a="One text.\n\nTwo texts.\n")
    job(project, "formal", "casual")
    ran(project)
    paths = [file(project, "a.txt", variant) for variant in ("formal", "casual")]
    for path in paths:
        path.write_text(f"{path.parent.name}\n\n{path.read_text().partition(chr(10) * 2)[2]}")
    ran(project)
    ran(project)
    assert [path.read_text().partition("\n")[0] for path in paths] == ["formal", "casual"]
    edited = [(row["file"], row["target"]) for row in ledger(project) if row["state"] == "edited"]
    assert edited == [("formal/a.txt", "formal"), ("casual/a.txt", "casual")]


HOSTILE = 'A <script>alert("x")</script> & ]]> "quoted" \x00\x0b text.\n\nעברית ﷽ 🫖 and \ufffe words.\n'


def test_pages_and_memories_are_well_formed_whatever_the_text_is(project: Project) -> None:
    write(project, a=HOSTILE, guide__b="Words & more <words>.\n\nWords & more <words>.\n")
    job(project, "de", include=["bilingual", "tmx"])
    ran(project)
    shop = project.folder / "output/shop"
    page = (shop / "bilingual/de/a.txt.html").read_text("utf-8")
    assert "<script>" not in page and "&lt;script&gt;" in page and "http" not in page
    root = ElementTree.parse(shop / "memory.pseudo.tmx").getroot()
    pairs = [[seg.text for seg in unit.iter("seg")] for unit in root.iter("tu")]
    sources = {row["source"] for row in ledger(project) if row["state"] == "ok"}
    assert len(pairs) == len(sources) == 3
    assert root.attrib == {"version": "1.4"}
    header = root.find("header")
    assert header is not None and header.attrib["srclang"] == "en"
    languages = {one.attrib["{http://www.w3.org/XML/1998/namespace}lang"] for one in root.iter("tuv")}
    assert languages == {"en", "pseudo"}
    text = (shop / "bilingual/de/guide/b.txt.md").read_text("utf-8")
    assert text.startswith("# guide/b.txt (pseudo)\n\n> Words & more <words>.\n\n")
    (project.folder / "docs/a.txt").unlink()
    ran(project)
    assert not (shop / "bilingual/de/a.txt.html").exists()


def test_a_term_with_several_renderings_is_named(project: Project) -> None:
    write(project, a="Engine\n\nThe engine starts.\n", b="Engine\n")
    job(project)
    ran(project)
    report = (project.folder / "output/shop/report.md").read_text()
    assert "## Terms" not in report
    file(project, "b.txt").write_text("Motor\n")
    ran(project)
    report = (project.folder / "output/shop/report.md").read_text()
    assert "## Terms with several renderings" in report
    assert "Motor, 1× (b.txt segment 1)" in report


def test_a_forgotten_document_leaves_nothing_behind(project: Project) -> None:
    write(project, a="One secret text.\n", b="Words here.\n")
    job(project, "de", include=["bilingual", "tmx"])
    ran(project)
    done = project.run("journal", "forget", "job.yaml", "--key", "a.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    left = everything(project)
    assert not [name for name, content in left.items() if "a.txt" in name or b"secret" in content]
    assert pl.read_parquet(project.folder / "output/shop/segments.parquet")["document"].to_list() == ["b.txt"]


def test_what_cannot_be_written_anew_without_a_document_is_removed_on_request(project: Project) -> None:
    write(project, a="One secret text.\n", b="Words here.\n")
    job(project, "de", include=["tmx"])
    ran(project)
    job(project, "de", include=["tmx"], tree="{{ lang }}")
    left = {"segments.parquet", "report.md", "memory.pseudo.tmx", "results.csv"}
    done = project.run("journal", "forget", "job.yaml", "--key", "a.txt")
    assert done.returncode and all(name in done.stdout + done.stderr for name in left)
    done = project.run("journal", "forget", "job.yaml", "--key", "a.txt", "--remove-results")
    assert left.isdisjoint(path.name for path in (project.folder / "output/shop").iterdir())
