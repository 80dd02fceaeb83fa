"""Markdown pages of known sentences, and a job that translates them."""

from __future__ import annotations

from tests.support.project import Project
from tests.support.sentences import english

JOB = """
name: docs
records: {{from: docs}}
models: {{m: {{model: x, base_url: "{url}", price: {{input: 1, output: 1}}, api_key_env: TEST_KEY}}}}
steps:
  - name: translated
    each: {{lang: {languages}}}
    translate: {{from: en, to: "{{{{ lang }}}}"{more}}}
output: {{tree: "out/{{{{ lang }}}}/{{{{ path }}}}"}}
"""
TITLE = english(9000)


def begin(project: Project, url: str, pages: dict[str, list[int]], more: str = "", to: str = "[de]") -> None:
    """Write documents with these sentences, and a job that translates them."""
    for name, numbers in pages.items():
        path = project.folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(numbers))
    text = JOB.format(url=url, languages=to, more=more and f", {more}")
    (project.folder / "job.yaml").write_text(text)


def page(numbers: list[int]) -> str:
    """A Markdown page with a paragraph for each number."""
    return "\n\n".join([f"# {TITLE}", *map(english, numbers)]) + "\n"


def written(project: Project, name: str, language: str = "de") -> str:
    """A translated document."""
    return (project.folder / "out" / language / name).read_text()


def run(project: Project, code: int = 0, *more: str) -> str:
    """Run the job, which ends with this code; what was printed."""
    done = project.run("run", "job.yaml", *more)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
