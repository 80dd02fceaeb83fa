"""A job that writes a file for each row, and what stands in its folder."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import load, run
from pipeline.output.folder import Filed
from tests.support.project import Project

ARTICLES = "output/shop/articles"
FILES: dict[str, Any] = {"to": ARTICLES, "name": ["lang", "sku"], "suffix": ".md"}
TEXT = "# {{ title }}\n\n{{ post }}\n"
EACH = {"lang": ["en", "de"]}


def job(project: Project, base_url: str = "", *, records: str | None = None, **files: Any) -> None:
    """A job of two rows for each record, each of them with a file; `files` change the keys of `files`."""
    step = {"name": "post", "each": EACH, "prompt": "In {{ lang }} about {{ title }}."}
    spec = {**FILES, "text": TEXT, **files}
    output = {"to": "output/shop/posts.csv", "files": spec}
    project.job(base_url, records=records, steps=[step], output=output)


def contents(folder: Path) -> dict[str, str]:
    """Every file in a folder, hidden ones too."""
    return {
        str(file.relative_to(folder)): file.read_bytes().decode()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def ran(project: Project, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command that ends with this code: to run the job, if no other is named."""
    done = project.run(*(arguments or ("run", "job.yaml")))
    assert done.returncode == code, done.stdout + done.stderr
    return done


def published(project: Project, code: int = 0) -> Filed:
    """What becomes of the files when the job is run from Python."""
    result = run(load(project.folder / "job.yaml"))
    assert result.exit_code == code
    assert result.filed is not None
    return result.filed


MANY = "sku,title\n" + "".join(f"{i:04},thing {i}\n" for i in range(500))


def many(project: Project, word: str = "A") -> dict[str, str]:
    """A job of 500 rows with one request, and what its files are to be."""
    output = {
        "to": "output/shop/posts.csv",
        "files": {"to": ARTICLES, "name": "sku", "text": f"{word} {{{{ title }}}}: {{{{ post }}}}\n" * 3},
    }
    model = {"provider": "scripted", "model": "m", "options": {"answer": "yes"}}
    step = {"name": "post", "prompt": "Say yes."}
    project.job(models={"m": model}, steps=[step], output=output, records=MANY)
    return {f"{i:04}.txt": f"{word} thing {i}: yes\n" * 3 for i in range(500)}


def killed(project: Project, when: Callable[[], bool]) -> None:
    process = project.start("run", "job.yaml")
    try:
        while not when() and process.poll() is None:
            time.sleep(0.0005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def assert_whole(project: Project, *states: dict[str, str]) -> None:
    for name, text in contents(project.folder / ARTICLES).items():
        assert name.startswith(".pipeline-") or text in [state.get(name) for state in states], name
