"""MinHash against the exact similarity, and nearly equal texts against a comparison of all pairs."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pipeline.text.alike.minhash import (
    MOST,
    PERMUTATIONS,
    Alike,
    likeness,
    rows_of_a_band,
    signature,
)
from pipeline.text.alike.shingles import shingles
from tests.support.crowd import posts

WORDS = [f"word{i}" for i in range(2_000)]


def exact(one: str, other: str) -> float:
    """The similarity of the sets of pairs of words, without any hash."""
    first, second = ({*pairwise(words)} for words in (one.split(), other.split()))
    return len(first & second) / len(first | second)


def edited(rng: random.Random, text: str) -> str:
    """The text with up to a third of its words replaced."""
    words = text.split()
    for _ in range(rng.randint(0, len(words) // 3)):
        words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words)


@pytest.mark.parametrize("seed", range(40))
def test_likeness_is_exact_for_short_texts_and_near_for_long_ones(seed: int) -> None:
    rng = random.Random(seed)
    one = " ".join(rng.choices(WORDS, k=rng.choice([2, 5, 30, 100, 250, 600, 3_000])))
    other = edited(rng, one)
    wanted = exact(one, other)
    first, second = shingles(one), shingles(other)
    cut = likeness(first[:MOST], second[:MOST])
    assert cut == pytest.approx(wanted, abs=1e-9 if len(one.split()) <= MOST else 0.13)
    agreeing = (signature(first) == signature(second)).mean()
    assert agreeing == pytest.approx(wanted, abs=4.5 * 0.5 / PERMUTATIONS**0.5)


def test_signatures_are_right_on_average() -> None:
    rng, off = random.Random(1), 0.0
    for _ in range(400):
        one = " ".join(rng.choices(WORDS, k=60))
        other = edited(rng, one)
        off += (signature(shingles(one)) == signature(shingles(other))).mean() - exact(one, other)
    assert abs(off / 400) < 0.01


@pytest.mark.parametrize("most", [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
def test_texts_that_are_alike_share_a_band(most: float) -> None:
    rows = rows_of_a_band(most)
    assert (1 - most**rows) ** (PERMUTATIONS // rows) <= 0.001


@pytest.mark.parametrize("most", [0.3, 0.5, 0.6, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_is_found_as_by_comparing_all_pairs(most: float, seed: int) -> None:
    texts = [post.text for post in posts(seed, 150, 30)]
    order = random.Random(seed).sample(range(150), 150)
    alike, sets = Alike(most), [shingles(text) for text in texts]
    for i, text in enumerate(texts):
        alike.add(text, i)
    stand: list[int] = []
    wanted = {}
    for i in order:
        near = [(likeness(sets[i], sets[j]), j) for j in stand]
        if near := sorted((one for one in near if one[0] > most), key=lambda one: (-one[0], one[1])):
            wanted[i] = near
        else:
            stand.append(i)
    assert dict(alike.found(order)) == wanted


def test_planted_copies_are_found_and_others_are_not() -> None:
    """500 posts in three languages, 60 of them copies with light edits."""
    for seed in range(3):
        made, alike = posts(seed), Alike(0.6)
        for i, post in enumerate(made):
            alike.add(post.text, i)
        found = {i for i, _ in alike.found(range(len(made)))}
        copies = {i for i, post in enumerate(made) if post.copy_of is not None}
        assert len(found & copies) >= 0.95 * len(copies)
        assert len(found - copies) <= 0.01 * (len(made) - len(copies))


def test_texts_of_one_owner_and_empty_ones_are_not_compared() -> None:
    alike = Alike(0.6)
    for text, owner in (("the same text", 1), ("the same text", 1), ("", 2), ("", 3), ("the same text", 4)):
        alike.add(text, owner)
    assert [i for i, _ in alike.found(range(5))] == [4]
    assert list(Alike(0.6).found([])) == []


@pytest.mark.parametrize(
    "text", ["a " * 200_000, "文" * 200_000, "x" * 1_000_000, "\ud800 \0 b", "! " * 100_000]
)
def test_hostile_texts_are_compared_in_bounded_time(text: str) -> None:
    alike = Alike(0.6)
    alike.add(text, 1)
    alike.add(text, 2)
    assert [i for i, _ in alike.found([0, 1])] == [1]
