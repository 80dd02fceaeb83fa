"""Bad translators: whatever they answer, no text that is wrong is written."""

from __future__ import annotations

import json
import random
import re

import pytest

from tests.support.pages import begin, page, run, written
from tests.support.project import Project
from tests.support.sentences import translated
from tests.support.translator import Asked, Texts, Translate, translator, well


def once(bad: Translate, names: int = 3) -> Translate:
    """A translator that is bad at its first batch of several, and good from then on."""
    done: list[int] = []

    def translate(texts: Texts, asked: Asked) -> Texts | str:
        if len(texts) >= names and not done:
            done.append(asked.number)
            return bad(texts, asked)
        return well(texts, asked)

    return translate


def good(texts: Texts, asked: Asked) -> Texts:
    return well(texts, asked)


def rotated(by: int) -> Translate:
    def bad(texts: Texts, asked: Asked) -> Texts:
        values = list(good(texts, asked).values())
        return dict(zip(texts, values[by:] + values[:by], strict=True))

    return bad


def merged(texts: Texts, asked: Asked) -> Texts:
    """Two translations under one name, and one split over two: the number of names is right."""
    values = list(good(texts, asked).values())
    halves = values[-1][: len(values[-1]) // 2], values[-1][len(values[-1]) // 2 :]
    return dict(zip(texts, [f"{values[0]} {values[1]}", *values[2:-1], *halves], strict=True))


def one_missing(texts: Texts, asked: Asked) -> Texts:
    return dict(list(good(texts, asked).items())[1:])


def renumbered(texts: Texts, asked: Asked) -> Texts:
    return {f"s{i}": text for i, text in enumerate(good(texts, asked).values(), 100)}


def cut_mid_json(texts: Texts, asked: Asked) -> str:
    whole = json.dumps(good(texts, asked), ensure_ascii=False)
    return whole[: len(whole) * 2 // 3]


def fenced(texts: Texts, asked: Asked) -> str:
    return f"```json\n{json.dumps(good(texts, asked))}\n```"


def echoed(texts: Texts, asked: Asked) -> Texts:
    return texts


def refused(texts: Texts, asked: Asked) -> str:
    return "I'm sorry, but I can't help with that."


def half(texts: Texts, asked: Asked) -> Texts:
    found = good(texts, asked)
    return {name: f"{text} {texts[name]}" for name, text in found.items()}


def answered(texts: Texts, asked: Asked) -> Texts:
    essay = "Eine Pumpe ist eine Maschine, die Wasser bewegt. " * 12
    return dict.fromkeys(texts, essay)


def doubled_words(texts: Texts, asked: Asked) -> Texts:
    return {name: re.sub(r"(\w+)\.$", r"\1 \1 \1.", text) for name, text in good(texts, asked).items()}


def in_english_words(texts: Texts, asked: Asked) -> Texts:
    return {name: f"Here is the translation: {text}" for name, text in good(texts, asked).items()}


def half_a_character(texts: Texts, asked: Asked) -> str:
    return json.dumps({name: f"{text} \ud800" for name, text in good(texts, asked).items()})


BAD = {
    "half a character": half_a_character,
    "shifted by one": rotated(1),
    "shifted by two": rotated(-2),
    "merged and split": merged,
    "one missing": one_missing,
    "renumbered": renumbered,
    "cut in the middle": cut_mid_json,
    "in a fence": fenced,
    "echo": echoed,
    "refusal": refused,
    "half translated": half,
    "an essay": answered,
    "doubled words": doubled_words,
    "a preamble": in_english_words,
}


@pytest.mark.parametrize("name", BAD)
def test_no_bad_answer_is_ever_written(project: Project, name: str) -> None:
    """Whatever the first answer is, the result is that of a good translator."""
    with translator(once(BAD[name])) as (server, _):
        begin(project, server.base_url, {"a.md": list(range(12))})
        run(project)
        assert written(project, "a.md") == translated(page(list(range(12))), "de")


@pytest.mark.parametrize("seed", range(8))
def test_a_translator_that_is_bad_at_random_never_spoils_a_document(project: Project, seed: int) -> None:
    chance = random.Random(seed)

    def translate(texts: Texts, asked: Asked) -> Texts | str:
        if chance.random() < 0.4:
            return chance.choice(list(BAD.values()))(texts, asked)
        return well(texts, asked)

    with translator(translate) as (server, seen):
        begin(project, server.base_url, {"a.md": list(range(30)), "b.md": list(range(100, 110))})
        done = project.run("run", "job.yaml")
        assert done.returncode in (0, 3), done.stderr
        for path, numbers in (("a.md", range(30)), ("b.md", range(100, 110))):
            lines = written(project, path).split("\n\n")
            sources = page(list(numbers)).split("\n\n")
            assert len(lines) == len(sources)
            for line, source in zip(lines, sources, strict=True):
                assert line in (source, translated(source, "de")), "its own translation, or its source"
        before = len(seen.requests)
        again = project.run("run", "job.yaml")
        assert (again.returncode, len(seen.requests)) == (done.returncode, before)
