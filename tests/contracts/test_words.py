"""The project has one word for each thing: names that were given up do not come back."""

from __future__ import annotations

import re
import subprocess

from tests.support import ROOT

GIVEN_UP = [
    *(
        "hushed",
        "curtain",
        "wallclock",
        "tally",
        "checkup",
        "nolinks",
        "surroundings",
        "safe_names",
        "yaml_text",
    ),
    *(
        "confined",
        "toll",
        "purse",
        "fleet",
        "gauges",
        "turnstile",
        "impatient",
        "mortal",
        "conductor",
        "shelf",
    ),
]
"""each of them has a usual name now: redacted, clock, progress, health, tariff, budget"""
TEXTS = subprocess.run(
    ["git", "ls-files", "*.py", "*.md", "*.yaml", "Makefile"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()


def test_a_name_that_was_given_up_is_gone() -> None:
    pattern = re.compile(rf"(?<![a-z])({'|'.join(GIVEN_UP)})s?(?![a-z])", re.IGNORECASE)
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in TEXTS
        if name != "tests/contracts/test_words.py" and (ROOT / name).exists()
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found
