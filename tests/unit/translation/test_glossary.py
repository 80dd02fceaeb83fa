"""The terms of a text: which entries apply, in which form, and how each is translated."""

from __future__ import annotations

import random
import time

import pytest

from pipeline.core.errors import JobError
from pipeline.translation import glossary
from pipeline.translation.glossary import load
from pipeline.translation.question import Term
from pipeline.translation.terms import words


def found(table: str, text: str, source: str, target: str) -> list[str]:
    terms = load([("terms.csv", table.encode())]).terms(text, source, target)
    return [f"{term.source}={term.target}" for term in terms]


@pytest.mark.parametrize(
    ("terms", "text", "expected"),
    [
        ("机器,machine", "学习机器的人", ["机器"]),
        ("机器,machine", "机\n器", ["机器"]),
        ("学习,learning\n机器学习,machine learning", "机器学习很难", ["机器学习"]),
        ("学习,learning\n机器学习,machine learning", "机器学习与学习", ["机器学习", "学习"]),
        ("研究生,graduate\n生命,life", "研究生命", ["研究生"]),
        ("API接口,interface", "ＡＰＩ接口", ["API接口"]),
        ("run,laufen", "run", ["run"]),
        ("run,laufen", "It runs. Running!", ["run"]),
        ("run,laufen", "prune runt overrun", []),
        ("log,x", "logging logged logs", ["log"]),
        ("cache,x", "caches, cached and caching", ["cache"]),
        ("entry,x", "two entries", ["entry"]),
        ("box,x", "boxes", ["box"]),
        ("settings,x", "a setting", []),
        ("settings,x", "the Settings page", ["settings"]),
        ("setting,x\nsettings,y", "settings", ["settings"]),
        ("access token,x", "access tokens", ["access token"]),
        ("access token,x", "access\n  token", ["access token"]),
        ("log in,x", "he logs in", ["log in"]),
        ("token,x\naccess token,y", "an access token and a token", ["access token", "token"]),
        ("Node.js,x\nNode,y", "Node.js", ["Node.js"]),
        ("max_tokens,x", "max_tokens", ["max_tokens"]),
        ("tokens,x", "max_tokens", []),
        ("cafe\u0301,x", "caf\u00e9", ["cafe\u0301"]),
        ("x,y", "", []),
    ],
)  # fmt: skip
def test_a_term_is_found_as_a_whole_and_the_longest_first(terms: str, text: str, expected: list[str]) -> None:
    table = f"source,target\n{terms}\n"
    assert [pair.partition("=")[0] for pair in found(table, text, "en", "de")] == expected


@pytest.mark.parametrize(
    ("term", "case", "text", "applies"),
    [
        ("API", "yes", "an API", True),
        ("API", "yes", "two APIs", True),
        ("API", "yes", "an api", False),
        ("API", "no", "an api", True),
        ("Go", "yes", "it goes, go", False),
        ("Go", "yes", "in Go", True),
        ("STRASSE", "no", "Straße", True),
    ],
)
def test_case_counts_where_the_entry_says_so(term: str, case: str, text: str, applies: bool) -> None:
    assert bool(found(f"source,target,case\n{term},x,{case}\n", text, "en", "de")) is applies


def test_of_two_cases_the_written_one_applies() -> None:
    table = "source,target,case\nit,es,no\nIT,Informatik,yes\n"
    assert found(table, "it", "en", "de") == ["it=es"]
    assert found(table, "IT", "en", "de") == ["IT=Informatik"]


@pytest.mark.parametrize(
    ("columns", "asked", "expected"),
    [
        ("pt,pt-BR", "pt-BR", "pt-BR"), ("pt,pt-BR", "pt_br", "pt-BR"), ("pt,pt-BR", "pt", "pt"),
        ("pt,pt-BR", "pt-PT", "pt"), ("pt,pt-BR", "pt-BR-x", "pt-BR"), ("zh", "zh-Hans", "zh"),
        ("zh", "zh-Hans-CN", "zh"), ("zh", "zh-CN", "zh"), ("zh", "zh-TW", ""), ("zh", "zh-Hant", ""),
        ("zh-Hans,zh-Hant", "zh-TW", "zh-Hant"), ("zh-Hans,zh-Hant", "zh-CN", "zh-Hans"),
        ("zh-Hans,zh-Hant", "zh", "zh-Hans"), ("zh-CN", "zh-Hans", "zh-CN"), ("zh-TW", "zh", ""),
        ("en-US", "en", "en-US"), ("en-US", "en-GB", ""), ("pt-PT,pt-BR", "pt", ""), ("fr", "de", ""),
        ("target", "de", "target"), ("fr,target", "de", "target"),
    ],
)  # fmt: skip
def test_a_language_falls_back_to_a_wider_one(columns: str, asked: str, expected: str) -> None:
    table = f"ja,{columns}\n携帯,{columns}\n"
    assert found(table, "携帯", "ja-JP", asked) == [f"携帯={expected}"] * bool(expected)


def test_any_column_can_be_the_source() -> None:
    table = "zh,en,de\n模型,model,Modell\n"
    assert found(table, "two models", "en", "zh-Hans") == ["model=模型"]
    assert found(table, "das Modell", "de", "en") == ["Modell=model"]
    assert found("zh,en\n登录,log in\n登陆,log in\n", "log in", "en", "zh") == ["log in=登录"]
    assert load([("t.csv", table.encode())]).languages == ("de", "en", "zh")


def test_an_earlier_file_goes_before_a_later_one_language_by_language() -> None:
    hand = "zh,en\n模型,model\n"
    learned = "zh,en,de\n模型,mould,Modell\n模型压缩,model compression,Modellkompression\n"
    both = load([("hand.csv", hand.encode()), ("learned.csv", learned.encode())])
    assert [term.target for term in both.terms("模型", "zh", "en")] == ["model"]
    assert [term.target for term in both.terms("模型", "zh", "de")] == ["Modell"]
    assert [term.target for term in both.terms("模型压缩", "zh", "en")] == ["model compression"]


def test_a_longer_term_without_a_translation_hides_no_shorter_one() -> None:
    table = "zh,en,de\n学习,learning,Lernen\n机器学习,machine learning,\n"
    assert found(table, "机器学习", "zh", "de") == ["学习=Lernen"]


def test_an_entry_carries_all_that_a_translator_needs() -> None:
    table = (
        "zh,en,de,note,case,do_not_translate,forbidden,forbidden:de,inflected\n"
        "令牌,token,Token,一个词,yes,no,coin; mark ,Münze,yes\nOpenAI,,,,,yes,,,\n"
    )
    terms = load([("t.csv", table.encode())])
    assert terms.terms("OpenAI 的令牌", "zh", "de") == (
        Term("OpenAI", "OpenAI", keep=True),
        Term("令牌", "Token", "一个词", True, False, ("Münze", "coin", "mark"), True),
    )
    assert terms.terms("令牌", "zh", "en")[0].forbidden == ("coin", "mark")


def test_with_lemmas_other_languages_inflect_too() -> None:
    pytest.importorskip("simplemma")
    table = b"de,en\nk\xc3\xbcnstliche Intelligenz,AI\nHaus,house\n"
    text = "mit künstlicher Intelligenz in Häusern"
    assert load([("t.csv", table)]).terms(text, "de", "en") == ()
    assert [term.target for term in load([("t.csv", table)], lemmas=True).terms(text, "de", "en")] == [
        "AI",
        "house",
    ]
    english = load([("t.csv", b"en,de\ngo,gehen\n")], lemmas=True)
    assert [term.target for term in english.terms("he went", "en", "de")] == ["gehen"]
    chinese = load([("t.csv", "zh,en\n房子,house\n".encode())], lemmas=True)
    assert [term.target for term in chinese.terms("房子", "zh", "en")] == ["house"]


def test_lemmas_without_their_package_are_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "simplemma", None)
    with pytest.raises(JobError, match=r"simplemma(.|\n)*'lemma'(.|\n)*install"):
        load([("t.csv", b"en,de\na,b\n")], lemmas=True).terms("a", "en", "de")


def naive(text: str, table: dict[str, str]) -> list[str]:
    """The same by trying all places, the longest term first; for texts of Chinese signs only."""
    spans: list[tuple[int, str]] = []
    taken: set[int] = set()
    places = [
        (-len(term), at, term) for term in table for at in range(len(text)) if text.startswith(term, at)
    ]
    for minus, at, term in sorted(places):
        span = set(range(at, at - minus))
        if not span & taken:
            taken |= span
            spans.append((at, term))
    return list(dict.fromkeys(term for _, term in sorted(spans)))


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_a_slow_search_finds(seed: int) -> None:
    draw = random.Random(seed)
    signs = "甲乙丙丁"
    table = {"".join(draw.choices(signs, k=draw.randint(1, 4))): f"t{i}" for i in range(12)}
    terms = load([("t.csv", ("zh,en\n" + "".join(f"{s},{t}\n" for s, t in table.items())).encode())])
    for _ in range(30):
        text = "".join(draw.choices(signs, k=draw.randint(0, 40)))
        assert [term.source for term in terms.terms(text, "zh", "en")] == naive(text, table)


def test_ten_thousand_terms_in_a_long_text_take_seconds() -> None:
    draw = random.Random(5)
    pool = ["".join(draw.choices("abcdefghiklmnoprstu", k=6)) for _ in range(20_000)]
    table = "en,de\n" + "".join(f"{word},x{i}\n" for i, word in enumerate(dict.fromkeys(pool[:10_000])))
    text = " ".join(draw.choices(pool, k=60_000))
    terms = load([("t.csv", table.encode())])
    start = time.process_time()
    assert len(terms.terms(text, "en", "de")) > 5_000
    assert time.process_time() - start < 10


def test_a_word_of_english_has_the_forms_of_its_kind() -> None:
    forms = {
        "run": {"runs", "runned", "running"}, "use": {"uses", "used", "using"}, "ai": {"ais"},
        "query": {"queries", "queried", "querying"}, "key": {"keys", "keyed", "keying"},
        "class": {"classes", "classed", "classing"}, "tree": {"trees"}, "3d": set(), "模": set(),
        "label": {"labels", "labeled", "labelled", "labeling", "labelling"},
    }  # fmt: skip
    for word, expected in forms.items():
        assert {form for (form,) in words.english_forms((word,))} == expected


def test_what_is_no_text_of_words_is_no_trouble() -> None:
    terms = load([("t.csv", "en,de\nC++,x\n\u2014\u2014,y\n".encode())])
    for text in ("\ud800 \0 C++", "\u200b", "——" * 3, "\U0001f9d1\u200d\U0001f680", "e" + "\u0301" * 10_000):
        terms.terms(text, "en", "de")
    assert [term.target for term in terms.terms("C++ —— \ud800", "en", "de")] == ["x", "y"]
    assert glossary.LONGEST < 1_000
