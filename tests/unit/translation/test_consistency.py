"""What is told of the terms of a finished set, and what is proposed for a glossary."""

from __future__ import annotations

import random
import time

import pytest

from pipeline.translation.glossary import load
from pipeline.translation.question import Term
from pipeline.translation.review.consistency import MOST_PLACES, Row, Usage, proposed, usages
from pipeline.translation.terms.table import written

NOTHING = load([])
TABLE = "en,de,forbidden\naccess token,Zugriffstoken,Zugangsmarke\nuser,Benutzer,\nVerein,Klub,\n"
GLOSSARY = load([("terms.csv", TABLE.encode())])


def rows(*pairs: tuple[str, str], language: str = "de") -> list[Row]:
    return [Row("a.md", str(i), language, source, target) for i, (source, target) in enumerate(pairs)]


def renderings(usage: Usage) -> dict[str, int]:
    return {rendering.text: rendering.count for rendering in usage.renderings}


def test_the_use_of_each_term_of_the_glossary_is_told() -> None:
    found = usages(
        rows(
            ("Send the access token.", "Sende das Zugriffstoken."),
            ("Access tokens expire.", "Zugriffstokens laufen ab."),
            ("An access token", "Eine Zugangsmarke"),
            ("No access token", "Kein Schlüssel"),
            ("All users", "Alle Benutzern"),
        ),
        GLOSSARY,
        "en",
    )
    token, user = found
    assert (token.kind, token.term, token.language, token.wanted) == (
        "glossary",
        "access token",
        "de",
        "Zugriffstoken",
    )
    assert renderings(token) == {"Zugriffstoken": 2, "Zugangsmarke": 1, "": 1}
    assert token.conflict
    assert [rendering.places for rendering in token.renderings if not rendering.text] == [(("a.md", "3"),)]
    assert (user.term, user.conflict) == ("user", False)


@pytest.mark.parametrize(
    ("target", "used"),
    [
        ("Der Klub", "Klub"),
        ("die KLUBS", ""),
        ("Klubhaus", ""),
        ("Der *Klub*.", "Klub"),
        ("", ""),
    ],
)
def test_a_short_term_is_found_as_a_whole_word(target: str, used: str) -> None:
    (usage,) = usages(rows(("ein Verein", target)), load([("t.csv", TABLE.encode())]), "en")
    assert list(renderings(usage)) == [used]


def test_a_short_segment_with_two_translations_is_a_conflict() -> None:
    found = usages(
        [
            *rows(("Settings", "Einstellungen"), ("settings:", "Optionen"), ("# Settings", "einstellungen")),
            *rows(("Settings", "Réglages"), ("Settings.", "Réglages"), language="fr"),
            *rows(("x" * 61, "a"), ("x" * 61, "b"), ("S", "a"), ("S", "b"), ("", "a"), ("", "b")),
        ],
        NOTHING,
        "en",
    )
    (usage,) = found
    assert (usage.kind, usage.term, usage.language, usage.wanted) == (
        "repeated",
        "Settings",
        "de",
        "Einstellungen",
    )
    assert renderings(usage) == {"Einstellungen": 2, "Optionen": 1}


def test_a_name_that_was_kept_only_here_and_there_is_a_conflict() -> None:
    kept = [
        ("we use Data Hub here", "wir nutzen Data Hub hier"),
        ("with `max_len` set", "mit `max_len` gesetzt"),
    ]
    lost = [("and Data Hub there", "und Datenknoten dort"), ("if `max_len` is", "wenn die größte Länge")]
    always = [("call Foo Bar now", "ruf Foo Bar"), ("by Alpha only", "nur durch das Erste")] * 3
    found = usages(rows(*kept * 2, *lost, *always), NOTHING, "en")
    assert {(usage.kind, usage.term): renderings(usage) for usage in found} == {
        ("kept", "Data Hub"): {"Data Hub": 2, "": 1},
        ("kept", "max_len"): {"max_len": 2, "": 1},
    }
    chinese = rows(
        *[("我们用OpenAI的模型", "we use OpenAI")] * 2, ("我们用OpenAI", "we use it"), language="en"
    )
    assert [usage.term for usage in usages(chinese, NOTHING, "zh")] == ["OpenAI"]
    assert usages(chinese[1:], NOTHING, "zh") == [], "twice is no term yet"


def test_few_places_are_named_however_many_there_are() -> None:
    (usage,) = usages(rows(*[("the user", "der Mensch")] * 500), GLOSSARY, "en")
    assert usage.renderings[0].count == 500
    assert len(usage.renderings[0].places) == MOST_PLACES


LONG = "is what you get when you ask for more than there is"


def test_a_heading_whose_translation_is_used_in_sentences_is_proposed() -> None:
    given = [
        ("Rate limit", "Ratengrenze"),
        ("Overview", "Überblick"),
        ("or", "oder"),
        ("User", "Benutzer"),
        ("=SUM", "=SUMME"),
        (f"A rate limit {LONG}", "Eine Ratengrenze bekommt man"),
        (f"Another rate limit {LONG}", "Noch eine Ratengrenze"),
        (f"An overview or user {LONG}", "Benutzer oder Übersicht"),
        (f"An overview or user {LONG} =SUM", "Eine Schau, Benutzer oder =SUMME"),
    ]
    found = proposed(rows(*given), "en", GLOSSARY)
    assert found == {"de": [Term("Rate limit", "Ratengrenze", inflected=True)]}
    once = [pair for pair in given if not pair[0].startswith("Another")]
    assert proposed(rows(*once), "en", GLOSSARY) == {}
    both = [*rows(*given), *rows(*given, language="nl")]
    assert set(proposed(both, "en", GLOSSARY)) == {"de", "nl"}


def test_what_is_proposed_is_a_glossary() -> None:
    terms = [
        Term("Rate limit", "Grenze", inflected=True),
        Term('a "b", c', "x;y", "a note\nof two lines", case=True),
        Term("Keep", "Keep", keep=True, forbidden=("Halt", "Stopp")),
    ]
    again = load([("terms-de.csv", written(terms).encode())])
    assert [again.terms(term.source, "en", "de") for term in terms] == [(term,) for term in terms]


def test_ten_thousand_segments_take_seconds() -> None:
    draw = random.Random(3)
    pool = [f"Word{i}" for i in range(300)]
    many = [(" ".join(draw.choices(pool, k=12)), " ".join(draw.choices(pool, k=12))) for _ in range(10_000)]
    hostile = [("`" * 50_000, "x"), ("a A" * 50_000, "x"), ("A." * 50_000, "\ud800\0"), ("，" * 50_000, "")]
    start = time.process_time()
    usages(rows(*many, *hostile), GLOSSARY, "en")
    proposed(rows(*many, *hostile), "en", GLOSSARY)
    assert time.process_time() - start < 20
