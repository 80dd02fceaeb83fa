"""How often the gates cry wolf on what people wrote, and how many of the faults in it they find.

Two domains: the messages of a web framework (gettext), and a declaration in many languages. `-s` prints a
table.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from random import Random

import pytest

from pipeline.core.document import Segment
from pipeline.translation import verdict
from pipeline.translation.question import Question
from tests.support.parallel import OF_WORDS, STRUCTURAL, faults
from tests.support.real_files import files

pytestmark = pytest.mark.compat

LOCALES = {
    "zh_Hans": "zh-Hans", "fr": "fr", "de": "de", "ja": "ja", "ru": "ru", "ar": "ar", "es": "es",
    "pt_BR": "pt-BR", "ko": "ko", "pl": "pl",
}  # fmt: skip
DECLARED = {
    "en": "eng", "zh": "cmn_hans", "de": "deu_1996", "fr": "fra", "ja": "jpn", "ru": "rus", "ar": "arb",
    "es": "spa", "pt": "por_BR", "ko": "kor", "pl": "pol", "it": "ita", "nl": "nld", "hi": "hin", "th": "tha",
    "uk": "ukr", "tr": "tur", "sv": "swe", "he": "heb", "el": "ell_monotonic", "id": "ind",
}  # fmt: skip
PAIRS = [("en", to) for to in DECLARED if to != "en"] + [
    ("zh", "en"), ("ja", "en"), ("zh", "ja"), ("ja", "zh"), ("zh", "ko"), ("de", "en"), ("ru", "en"),
    ("de", "fr"), ("zh", "de"), ("fr", "es"),
]  # fmt: skip
MOST_HARD, MOST_ANY, LEAST_FOUND = 0.01, 0.12, 0.95
"""shares: good translations that are refused, that are sent back at all; faults that are found"""
_FIELD = re.compile(r'(msgid_plural|msgid|msgctxt|msgstr(?:\[\d\])?)\s+(".*")')
_PARAGRAPH = re.compile(r"<(?:p|li)[^>]*>(.*?)</(?:p|li)>", re.DOTALL)
Pair = tuple[str, str]


def messages(path: Path) -> Iterator[Pair]:
    """The entries of a gettext file; of a plural the last form, the others may be without their number."""
    for entry in path.read_text("utf-8").split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#, ") and "fuzzy" in line:
                break
            if found := _FIELD.match(line):
                name, text = found.groups()
                fields[name] = ast.literal_eval(text)
            elif line.startswith('"'):
                fields[name] += ast.literal_eval(line)
        else:
            forms = sorted(key for key in fields if key.startswith("msgstr"))
            if fields.get("msgid") and forms and fields[forms[-1]]:
                yield fields.get("msgid_plural", fields["msgid"]), fields[forms[-1]]


@cache
def of_the_framework(locale: str) -> tuple[Pair, ...]:
    """Each message once, in English and in this locale."""
    found: dict[Pair, None] = {}
    for path in files(".po"):
        if "django" in path.parts and path.parts[-3] == locale and path.parts[-4] == "locale":
            found.update(dict.fromkeys(messages(path)))
    return tuple(found)


@cache
def articles(language: str) -> tuple[str, ...]:
    """The articles of the declaration, in order."""
    name = f"{DECLARED[language]}.html"
    path = next(one for one in files(".html") if one.name == name and one.parent.name == "declaration")
    return tuple(
        " ".join(unescape(re.sub(r"<[^>]+>", "", part)).strip() for part in _PARAGRAPH.findall(article))
        for article in path.read_text("utf-8").split("<article")[1:]
    )


def declared(source: str, target: str) -> tuple[Pair, ...]:
    """The articles in two languages."""
    return tuple(pair for pair in zip(articles(source), articles(target), strict=True) if all(pair))


def judged(pairs: tuple[Pair, ...], source: str, target: str, domain: str) -> None:
    """Hold the gates to what they must reach on these pairs."""
    random = Random(f"{domain} {source} {target}")
    codes: Counter[str] = Counter()
    hard = anything = 0
    made: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for text, translation in pairs:
        question = Question(Segment(text), source, target)
        findings = verdict.findings(question, translation)
        hard += any(finding.hard for finding in findings)
        anything += bool(findings)
        codes.update(finding.code + "!" * finding.hard for finding in findings)
        if findings:
            continue  # a fault in what is refused as it is shows nothing
        for name, answer in faults(text, translation, random):
            bad = verdict.findings(question, answer)
            made[name] += 1
            found[name] += any(finding.hard for finding in bad) if name in STRUCTURAL else bool(bad)
    shares = ", ".join(f"{name} {found[name] / made[name]:.1%} of {made[name]}" for name in sorted(made))
    print(f"{domain} {source}-{target}: {len(pairs)} texts, {hard / len(pairs):.2%} refused,", end=" ")
    print(f"{anything / len(pairs):.2%} sent back {dict(codes)}; found: {shares}")
    assert hard <= max(1, MOST_HARD * len(pairs)), codes
    assert anything <= MOST_ANY * len(pairs), codes
    for name in made:
        missed = made[name] - found[name]
        assert missed <= (0 if name in STRUCTURAL else max(1, (1 - LEAST_FOUND) * made[name])), name
    assert set(made) <= STRUCTURAL | OF_WORDS


@pytest.mark.parametrize("locale", LOCALES)
def test_messages_of_a_framework(locale: str) -> None:
    pairs = of_the_framework(locale)
    assert len(pairs) > 700
    judged(pairs, "en", LOCALES[locale], "messages")


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_declaration_of_law(pair: Pair) -> None:
    pairs = declared(*pair)
    assert len(pairs) >= 28
    judged(pairs, *pair, "declaration")
