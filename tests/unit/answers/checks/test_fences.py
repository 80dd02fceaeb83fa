"""The check that an answer is the text alone."""

from __future__ import annotations

import pytest

from tests.support.checks import said

TEXT = "Tea is good.\n\nDrink it warm."
BEFORE = [
    "Sure! Here is the post:",
    "Here's a short post about tea:",
    "Certainly! Below is your text.",
    "**Here is your article:**",
    "Hier ist dein Beitrag über Tee:",
    "Gerne! Hier ist der Text:",
    "Voici l’article demandé :",
    "Bien sûr ! Voici le texte :",
    "¡Claro! Aquí tienes la publicación:",
    "Aquí tienes un artículo sobre el té:",
    "好的，以下是您要的文章：",
    "以下是一篇关于茶的文章：",
    "以下は、お茶に関する投稿です。",
    "承知しました。お茶の記事を書きます。",
    "بالتأكيد! إليك المنشور:",
    "إليك مقال قصير عن الشاي:",
    "Okay, here's a post about tea:",
    "Here you go:",
    "**Translation:**",
    "译文：",
]
BEHIND = [
    "Let me know if you would like any changes!",
    "Would you like me to adjust the tone?",
    "I hope this helps!",
    "Feel free to adapt the text.",
    "Lass mich wissen, ob es passt.",
    "Möchten Sie, dass ich den Text kürze?",
    "N’hésitez pas à me demander une autre version.",
    "Souhaitez-vous que je le raccourcisse ?",
    "Espero que esto te ayude.",
    "¿Quieres que lo haga más corto?",
    "希望这篇文章对您有帮助！",
    "如果您需要修改，请随时告诉我。",
    "お役に立てれば幸いです。",
    "修正が必要であれば、お知らせください。",
    "如需修改，请随时告诉我。",
    "(Word count: 120)",
    "(120 words)",
    "（共650字）",
]
FINE = [
    TEXT,
    "Sure, it costs more, but it lasts.\n\nBuy it.",
    "Here are the ingredients:\n\n- tea\n- milk",
    "Of course, nobody knew.\nBut we did.",
    "Try it today.\n\nLet me know in the comments what you think!",
    "Voici pourquoi le thé est bon :\n\nil réchauffe.",
    "以下是三个理由：\n\n一、好喝。",
    "Claro, nadie lo sabía.\nPero sí.",
    "Natürlich, das kostet.\nAber gut.",
    "Call it so:\n\n```python\nprint(1)\n```",
    "```python\na\n```\n\nand\n\n```python\nb\n```",
    "Feel free to visit us.\n\nFeel free to come by any time.",
    "お茶は美味しい。\n\nぜひお試しください。",
    "茶很好。\n\n如有疑问，请联系我们。",
    "Okay, it rained.\nBut we went.",
    "Translation is an art.\n\nIt needs time.",
    "هنا مقهى صغير:\n\nشاي وقهوة.",
    "茶会结束了。\n\n共三十人。",
    "OK, here's the thing:\n\ntea needs time.",
    "茶已寄出。\n\n如需修改地址，请及时告知。",
    "茶已寄出。\n\n如需调整时间，请告诉我们。",
]


@pytest.mark.parametrize("line", BEFORE)
def test_what_is_said_before_the_text_is_named(line: str) -> None:
    complaint = said("fences", f"{line}\n\n{TEXT}")
    assert complaint == f'Your answer begins with "{line}". Give the text alone.'


@pytest.mark.parametrize("line", BEHIND)
def test_what_is_said_behind_the_text_is_named(line: str) -> None:
    assert said("fences", f"{TEXT}\n\n{line}") == f'Your answer ends with "{line}". Give the text alone.'


@pytest.mark.parametrize(
    "fence", ["```\n{}\n```", "```markdown\n{}\n```", "~~~\n{}\n~~~", " \n```text\n{}\n```\n"]
)
def test_a_fence_round_the_whole_answer_is_named(fence: str) -> None:
    assert (
        said("fences", fence.format(TEXT)) == "Your answer is wrapped in a code fence. Give the text alone."
    )


@pytest.mark.parametrize("answer", FINE)
def test_a_text_alone_passes(answer: str) -> None:
    assert said("fences", answer) is None
