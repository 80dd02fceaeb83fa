"""How often the checks cry wolf on what people wrote, in six languages. `-s` prints a table.

The texts: a declaration of law and the manual of a framework, from packages; talks and news, where they are
beside this folder.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html import unescape

import pytest

from tests.support import ROOT
from tests.support.checks import said
from tests.support.real_files import files

pytestmark = pytest.mark.compat

DECLARED = {"en": "eng", "de": "deu_1996", "fr": "fra", "es": "spa", "zh": "cmn_hans", "ja": "jpn"}
SHARED = ROOT.parent / "shared/data/mt"
MOST, MANUAL, SENTENCES, SHORT = 0.01, 200, 4, 25
"""the share of false alarms; texts of the manual; sentences of news that make a text; characters of one"""
CHAPTERS = ("intro", "topics", "howto", "faq", "misc", "internals", "contributing")
CHECKS = ("echo", "ending", "fences", "language", "opening", "original", "refusal", "repetition")
_PARAGRAPH = re.compile(r"<(?:p|li)[^>]*>(.*?)</(?:p|li)>", re.DOTALL)
FAR = 7
"""texts that lie between one and its source: neighbours share sentences"""
TITLE = {"zh": 15, "ja": 15, "en": 40, "de": 40, "fr": 40, "es": 40}
"""the characters of a text that its prompt quotes"""
Text = tuple[str, str, str]
"""a domain, a language, a text"""


def declarations() -> Iterator[Text]:
    """The articles of the declaration."""
    for language, name in DECLARED.items():
        path = next(one for one in files(".html") if one.name == f"{name}.html")
        for article in path.read_text("utf-8").split("<article")[1:]:
            paragraphs = (unescape(re.sub(r"<[^>]+>", "", part)) for part in _PARAGRAPH.findall(article))
            yield "declaration", language, "\n\n".join(" ".join(one.split()) for one in paragraphs)


def manual() -> Iterator[Text]:
    """Sections of a manual that are prose: without code, lists and directives."""
    found: list[str] = []
    for path in files(".txt"):
        if "django" not in path.as_posix() or path.parts[-2] not in CHAPTERS:
            continue
        for section in re.split(r"\n[=\-~]{4,}\n", path.read_text("utf-8")):
            blocks = (" ".join(one.split()) for one in section.split("\n\n") if one[:1].isalpha())
            prose = [one for one in blocks if one.endswith(".") and not re.search("``|::|:[a-z]+:", one)]
            if len(prose) >= 2:
                found.append("\n\n".join(prose))
    yield from (("manual", "en", text) for text in found[:: max(1, len(found) // MANUAL)][:MANUAL])


def talks() -> Iterator[Text]:
    """Talks in Chinese, and what people made of them in English."""
    path = SHARED / "ted-zh-en.tsv"
    sources: dict[str, str] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
                text = re.sub("</?v>", "", row["source"])  # an error is marked there
                sources.setdefault("".join(text.split()), text)
    lines = list(sources.values())
    yield from (
        ("talks", "zh", "\n".join(lines[at : at + SENTENCES])) for at in range(0, len(lines), SENTENCES)
    )


def news() -> Iterator[Text]:
    """Sentences of news in five languages, and the English of people; some of them make a text."""
    path = SHARED / "demetr.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    for language in sorted({row["lang"] for row in rows} & DECLARED.keys()):
        own = [row for row in rows if row["lang"] == language]
        for at in range(0, len(own), SENTENCES):
            for name, key in ((language, "source"), ("en", "human")):
                yield "news", name, " ".join(row[key] for row in own[at : at + SENTENCES])


@cache
def texts() -> tuple[Text, ...]:
    """All texts that say something."""
    found = (*declarations(), *manual(), *talks(), *news())
    return tuple(one for one in found if len(one[2]) >= SHORT)


def complaints(text: str, language: str, before: str) -> Iterator[tuple[str, str]]:
    """What the checks say of a text that was asked for by its first words; another text is the source."""
    prompt = f"Write a text in the language {language} that begins like this: {text[: TITLE[language]]}"
    options = {"language": language, "original": {"of": before}}
    for check in CHECKS:
        if complaint := said(check, text, options.get(check, True), prompt=prompt):
            yield check, complaint


def test_there_are_a_few_hundred_texts_in_six_languages() -> None:
    found = Counter(language for _, language, _ in texts())
    assert found.keys() == DECLARED.keys() and min(found.values()) >= 25 and found.total() >= 250


def test_good_texts_are_seldom_rejected() -> None:
    bad: Counter[tuple[str, str, str]] = Counter()
    whole = Counter((domain, language) for domain, language, _ in texts())
    rejected = 0
    before = [text for _, _, text in texts()][-FAR:]
    for domain, language, text in texts():
        found = dict(complaints(text, language, before[0]))
        rejected += bool(found)
        before = [*before[1:], text]
        for check, complaint in found.items():
            bad[domain, language, check] += 1
            print(f"{check} {language} {domain}: {complaint[:150]}")
    print(dict(whole))
    for (domain, language, check), count in sorted(bad.items()):
        print(
            f"{check} {language} {domain}: {count / whole[domain, language]:.1%} of {whole[domain, language]}"
        )
    print(f"{rejected} of {whole.total()} texts are rejected: {rejected / whole.total():.2%}")
    assert rejected <= MOST * whole.total()
