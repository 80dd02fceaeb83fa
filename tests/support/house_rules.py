"""A job with code of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.project import Project

RULES = '''"""The rules of the house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
import re


@dataclass
class Word:
    text: str


def check_no_ads(written, options) -> str | None:
    return "Your answer has an advertisement. Leave it out." if "buy" in written.text else None


def check_house_words(written, options):
    count = sum(written.text.count(word) for word in ("great", "nice"))
    if count > options.get("max", 0):
        return f"Your answer has {count} of the words great and nice. Use at most {options['max']} of them."


@cache
def filter_price(value, sign="EUR"):
    return f"{float(value):.2f} {sign}"


def source_things(options) -> Iterator[dict]:
    for number in range(options["things"]):
        yield {"sku": f"{number:03}", "title": f"thing {number}"}
'''
STEP: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}."}


def job(project: Project, rules: str = RULES, answer: Any = "a great, nice text", **changes: Any) -> Path:
    (project.folder / "house_rules.py").write_text(rules)
    model = {"provider": "scripted", "model": "m", "options": {"answer": answer}}
    return project.job(
        **{"models": {"writer": model}, "plugins": ["house_rules.py"], "steps": [STEP], **changes}
    )
