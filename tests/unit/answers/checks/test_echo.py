"""The check that an answer does not repeat what it was given."""

from __future__ import annotations

import time
from random import Random

import pytest

from pipeline.text.prose.overlap import overlap, units
from tests.support.checks import said
from tests.support.sentences import english

SOURCE = " ".join(english(n) for n in range(7, 11))
CHINESE = "水泵房的第七号水泵位于河边的老厂房里。请在打开锅炉房的门之前关闭阀门。去年冬天我们测量了多次温度。"


@pytest.mark.parametrize(
    "text", [SOURCE, SOURCE.upper(), SOURCE.replace(" ", "\n"), f"**{SOURCE}**", CHINESE]
)
def test_the_prompt_or_a_source_again_is_an_echo_in_any_spelling(text: str) -> None:
    for source in (SOURCE, CHINESE):
        answer = text if source is SOURCE or text is CHINESE else ""
        if (answer is CHINESE) != (source is CHINESE) or not answer:
            continue
        by_prompt = said("echo", answer, prompt=f"Translate this into German, please.\n\n{source}")
        by_text = said("echo", answer, {"of": source})
        assert by_prompt == by_text and by_text is not None and "100%" in by_text


def test_names_titles_and_a_quotation_are_none() -> None:
    prompt = f"Write a post about The Old Pump Hall beside the River. {SOURCE}"
    own = (
        "Nobody knows who built it, and nobody asks, but on quiet evenings one hears it work until midnight. "
    )
    assert said("echo", f"# The Old Pump Hall beside the River\n\n{own * 2}", prompt=prompt) is None
    assert said("echo", f"{own} {english(7)} {own}", prompt=prompt) is None
    wanted = "On quiet evenings one hears it work until long after midnight"
    assert said("echo", f"It is old. {wanted}.", prompt=f"Write a post with this sentence: {wanted}.") is None
    assert said("echo", f"{own} {SOURCE}", prompt=prompt) is not None
    assert said("echo", f"{own} {SOURCE}", {"most": 1.0}, prompt=prompt) is None


@pytest.mark.parametrize(
    ("answer", "of", "echo"),
    [
        ("Berlin", "Berlin", False),
        ("Three old pump halls", "three old pump halls!", True),
        ("水泵位于河边的厂房", "水泵位于河边的厂房。", True),
        ("Three old pump halls", "All three old pump halls", False),
        ("", "", False),
        ("", "a", False),
        ("...", "...", False),
    ],
)
def test_a_short_answer_is_one_only_if_it_is_the_whole_text(answer: str, of: str, echo: bool) -> None:
    assert (said("echo", answer, {"of": of}) is not None) == echo


@pytest.mark.parametrize("seed", range(30))
def test_the_share_is_that_of_a_slow_count(seed: int) -> None:
    random = Random(seed)
    words = [f"word{n}" for n in range(40)]
    other = random.choices(words, k=200)
    text: list[str] = []
    while len(text) < 120:
        at, length = random.randrange(190), random.randrange(1, 14)
        text += other[at : at + length] if random.random() < 0.6 else random.choices(words, k=length)
    size = random.choice((5, 8))
    pieces = {tuple(other[i : i + size]) for i in range(len(other) - size + 1)}
    covered = {
        j
        for i in range(len(text) - size + 1)
        if tuple(text[i : i + size]) in pieces
        for j in range(i, i + size)
    }
    found = overlap(" ".join(text), [" ".join(other)], size, 12)
    assert found.share == pytest.approx(len(covered) / len(text))
    runs = "".join("x" if i in covered else " " for i in range(len(text))).split()
    assert len(units(found.longest)) <= max(map(len, runs), default=0) and bool(found.longest) == bool(
        covered
    )


@pytest.mark.parametrize("text", ["a" * 1_000_000, "a b " * 250_000, "字" * 500_000, "\ud800 \0" * 200_000])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    begun = time.process_time()
    said("echo", text, {"of": text[:-1]})
    said("echo", text, prompt="x " * 500_000)
    said("echo", " ".join(map(str, range(100_000))), prompt=text)
    assert time.process_time() - begun < 5
