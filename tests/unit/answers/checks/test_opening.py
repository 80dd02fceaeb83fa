"""The check of how an answer begins."""

from __future__ import annotations

import pytest

from tests.support.checks import said

WORN = [
    "In today's fast-paced world, tea matters.",
    "In today’s digital age, tea matters.",
    "In the ever-evolving landscape of tea, …",
    "**Picture this:** a cup of tea.",
    "Certainly! Tea is good.",
    "Sure, here is a text about tea.",
    "As an AI language model, I drink nothing.",
    "In der heutigen schnelllebigen Welt ist Tee wichtig.",
    "In einer Welt, in der alles eilt, hilft Tee.",
    "Gerne! Tee ist gut.",
    "Dans un monde en constante évolution, le thé compte.",
    "À l’ère du numérique, le thé compte.",
    "Bien sûr ! Le thé est bon.",
    "En el mundo actual, el té importa.",
    "¿Alguna vez te has preguntado por el té?",
    "¡Claro! El té es bueno.",
    "在当今快节奏的社会，茶很重要。",
    "在这个信息爆炸的时代，茶很重要。",
    "好的，以下是关于茶的介绍。",
    "目まぐるしく変化する現代社会で、お茶は大切です。",
    "承知しました。お茶は大切です。",
    "Are you tired of weak tea?",
    "Unlock the secrets of green tea.",
    "Welcome to our ultimate guide to tea!",
    "As the sun sets over the hills, tea is poured.",
    "随着科技的不断发展，茶也在变化。",
    "随着人工智能的快速发展，茶也在变化。",
    "近年、AIの発展に伴い、お茶も変わる。",
    "في عالمنا اليوم، الشاي مهم.",
    "هل تساءلت يومًا عن الشاي؟",
]
FINE = [
    "Tea is older than coffee.",
    "In today's edition: tea.",
    "Today's world of tea is small.",
    "Sure-footed goats.",
    "Der heutige Tee.",
    "In der Küche steht Tee.",
    "Dans le monde, le thé est vieux.",
    "En el mundo hay mucho té.",
    "茶有三千年的历史。",
    "好的茶叶不便宜。",
    "当然，这只是开始。",
    "お茶には長い歴史があります。",
    "はい、お茶です。",
    "As the sun is hot, we drink tea.",
    "随着春天的到来，新茶上市了。",
    "近年、お茶の値段が上がっている。",
    "في العالم شاي كثير.",
    "Welcome to our tea house.",
    "",
]


@pytest.mark.parametrize("answer", WORN)
def test_a_worn_out_opening_is_named(answer: str) -> None:
    complaint = str(said("opening", f"{answer}\n\nMore."))
    assert complaint.startswith('Your answer begins with "') and complaint.endswith(
        "Begin it in another way."
    )
    assert said("opening", answer, {"usual": False}) is None


@pytest.mark.parametrize("answer", FINE)
def test_an_opening_of_its_own_passes(answer: str) -> None:
    assert said("opening", answer) is None


def test_a_users_own_openings_are_forbidden_too() -> None:
    assert said("opening", "Are *you*  ready for tea?", {"forbid": "are you ready"}) == (
        'Your answer begins with "Are you  ready for tea?", which is not wanted. Begin it in another way.'
    )
    assert said("opening", "We are ready.", {"forbid": ["are you", "are"]}) is None
