"""A job that translates documents without a model, and what stands in its folder."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import polars as pl

from tests.support.project import Project

TREE = "output/docs/{{ lang }}/{{ path }}"
PLACE = "output/docs/{}/{}"


def write(project: Project, **files: str) -> None:
    """Documents below `docs`; `guide__a` is `docs/guide/a.txt`."""
    for name, text in files.items():
        file = project.folder / "docs" / f"{name.replace('__', '/')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def job(project: Project, *languages: str, records: Any = None, **output: Any) -> None:
    """The job: pseudo-translation into one or more languages, which differ in nothing but their name."""
    translate = {"from": "en", "to": "pseudo"}
    step = {"name": "translated", "each": {"lang": list(languages or ("de",))}, "translate": translate}
    project.job(
        records=None,
        models={"m": {"provider": "pseudo"}},
        steps=[step],
        output={"tree": TREE, **output},
        **{"name": "shop"},
    )
    import yaml

    spec = yaml.safe_load((project.folder / "job.yaml").read_text())
    spec["records"] = records or {"from": "docs"}
    (project.folder / "job.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))


def ran(project: Project, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command that ends with this code: to run the job, if no other is named."""
    done = project.run(*(arguments or ("run", "job.yaml")))
    assert done.returncode == code, done.stdout + done.stderr
    return done


def file(project: Project, path: str, language: str = "de") -> Path:
    """A translated document."""
    return project.folder / PLACE.format(language, path)


def ledger(project: Project, name: str = "segments.parquet") -> list[dict[str, Any]]:
    """The rows of the ledger."""
    path = project.folder / "output/shop" / name
    frame = pl.read_parquet(path) if name.endswith("parquet") else pl.read_csv(path)
    return frame.to_dicts()


def states(project: Project) -> dict[str, str]:
    """The state of each segment, by its source."""
    return {row["source"]: row["state"] for row in ledger(project)}


def said_by(path: Path) -> bytes:
    """The bytes of a file; of a ledger, what it says but for tokens and costs.

    What was paid for a segment depends on its batch and, after a kill, on what was sent twice.
    """
    if path.suffix != ".parquet":
        return path.read_bytes()
    return pl.read_parquet(path).drop("tokens", "cost", "attempts").write_csv().encode()


def everything(project: Project) -> dict[str, bytes]:
    """All files that the job has written for people, with their bytes."""
    found = {}
    for path in sorted((project.folder / "output").rglob("*")):
        keeps = path.name in ("lock", "ballast", "events.jsonl", "published.json", "files.sqlite")
        if path.is_file() and not keeps and not path.name.startswith("journal"):
            found[str(path.relative_to(project.folder))] = said_by(path)
    return found
