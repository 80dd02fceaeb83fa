"""The table of the cookbook: the sample jobs, by the comment that each of them begins with.

`generate.py` writes it into cookbook/README.md. A job without such a comment, or without a page, is refused.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_SAID = re.compile(r"^# I have (.+?), and want (.+)\.$", re.MULTILINE)
_ELSEWHERE = {
    "essays": "../documents.md",
    "films": "../job-file.md",
    "manual": "../documents.md",
    "night": "../night.md",
    "notices": "../job-file.md",
    "quota": "../rates.md",
}
"""where a job is explained that is no recipe"""


def page() -> str:
    """The table; "I have X, and want Y." becomes a row."""
    rows = ["| I have … | I want … | job | page |", "| --- | --- | --- | --- |"]
    for file in sorted((ROOT / "jobs").glob("*.yaml")):
        name = file.stem
        said = _SAID.search(file.read_text(encoding="utf-8"))
        at = f"{name}.md" if (ROOT / "docs/cookbook" / f"{name}.md").exists() else _ELSEWHERE.get(name)
        if said is None or at is None:
            needs = f"a comment like `# I have X, and want Y.`, and a page docs/cookbook/{name}.md"
            raise SystemExit(f"jobs/{file.name} needs {needs}")
        job = f"[{name}](../../jobs/{file.name})"
        rows.append(f"| {said[1]} | {said[2]} | {job} | [{at.rpartition('/')[2]}]({at}) |")
    return "\n".join(rows) + "\n"
