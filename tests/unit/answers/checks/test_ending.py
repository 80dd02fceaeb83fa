"""The check that an answer comes to its end."""

from __future__ import annotations

import pytest

from tests.support.checks import said

P = "This paragraph is a whole one. It has two sentences."
WHOLE = [
    P,
    f'{P} He said: "Tea."',
    f"{P}\n\n- one\n- two",
    f"{P}\n\n1. one\n2. two and more",
    f"{P} 🍵",
    f'{P}\n\n{{"type": "end", "data": {{"done": "yes"}}}}',
    f"{P}\n\n#tea #cup",
    f"{P}\n\n— Jane Doe",
    f"{P}\n\nhttps://example.com/tea",
    f"{P}\n\n```python\nprint(1)\n```",
    "A headline without an end",
    f"{P}\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    "Roses are red\nViolets are blue\nTea is green\nAnd so are you",
    f"{P} (see the table)",
    f"{P} :)",
    f"{P} It works :-(",
    f"*{P}*",
    f"**{P}**",
    f"{P}\n\n> quoted",
    "a) one. b) two.",
    f"{P}\n\nYours\nJane",
    "Order now",
    f"{P} It is 5' 3\" tall.",
    "Das ist ein ganzer Satz. „Tee ist gut.“",
    "Er sagte: „Tee ist gut.“",
    "»Tee ist gut«, sagte er.",
    "Viele Grüße\nJana",
    "C’est une phrase entière. Elle dit : « le thé est bon. »",
    "Est-ce bon ?",
    "Bien à vous,\nJeanne",
    "Es una frase entera. ¡Qué bueno!",
    "¿Te gusta el té?",
    "Saludos cordiales,\nJuana",
    "这是一个完整的句子。",
    "他说：“茶很好喝。”",
    "你喜欢喝茶吗？",
    "《茶经》是陆羽写的。",
    "静夜思\n床前明月光，\n疑是地上霜。",
    "これは完全な文です。",
    "彼は「お茶は美味しい。」と言いました。",
    "お茶はいかがですか？",
    "お茶をどうぞ！",
    "這是完整的句子……",
    "यह पूरा वाक्य है।",
    "هل تحب الشاي؟",
    "นี่คือประโยคที่สมบูรณ์ซึ่งไม่มีเครื่องหมายวรรคตอนในตอนท้ายของข้อความเลยแม้แต่น้อย",
    "",
    "차는 좋습니다.",
]
CUT = [
    f"{P} And then the cup of tea that we had",
    f"{P} We had tea,",
    f"{P} The reasons are:",
    f"{P} Tea and",
    f"{P}\n\nThe third paragraph goes on and on about tea and how it is grown and then",
    f"{P}\n\n- one\n-",
    f"{P}\n\n- one\n- two,",
    f"{P}\n\n## Conclusion",
    f"{P}\n\n```python\nprint(1)",
    f"{P} It is (as we saw",
    f"{P} It was a green-",
    f"{P} He said “tea is good.",
    f"{P}\n\n3.",
    "Das ist ein ganzer Satz. Und dann kam der Tee, der aus",
    "Er sagte: „Tee ist gut.",
    "Der Tee ist gut, aber der Kaffee, den wir gestern im Laden gekauft",
    "C’est une phrase entière. Ensuite, le thé que nous avons",
    "Il dit : « le thé est bon.",
    "Es una frase entera. Luego vino el té que nosotros",
    "El té es bueno y también lo es el café que compramos en la tienda de",
    "这是一个完整的句子。然后我们一起去喝了一杯很好的",
    "他说：「茶很好喝。",
    "这个句子很长很长，说的是茶叶的种植和加工，以及人们怎样在早晨喝茶，在晚上也",
    "原因如下：",
    "我们喝茶，",
    "これは完全な文です。それから私たちはとても美味しいお茶を",
    "彼は「お茶は美味しい。",
    "お茶は、",
]


@pytest.mark.parametrize("answer", WHOLE)
def test_a_whole_text_passes(answer: str) -> None:
    assert said("ending", answer) is None


@pytest.mark.parametrize("answer", CUT)
def test_a_text_that_is_cut_off_is_named(answer: str) -> None:
    complaint = said("ending", answer)
    assert complaint is not None and complaint.endswith(" Write it to its end.")
