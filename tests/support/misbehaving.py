"""A scripted writer of posts in six languages, which misbehaves on purpose, and what it does wrong.

A post is some sentences about a pump with a number, and the sentence that is wanted at its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pipeline.testing import Script, Server
from tests.support.writer import Chat
from tests.support.writer import writer as any_writer

SENTENCES = {
    "en": """\
The pump with the number {n} stands in the old hall beside the river.
Nobody knows who built it, and nobody asks any more.
On quiet evenings one hears it work until long after midnight.
Children wave at the boats that come down the canal in summer.
Close the valve before you open the door of the boiler room.
Our engineers measured the temperature every day last winter.
If the red lamp is on, call the workshop and read the manual.
A new coat of paint has made the wheels look young again.""",
    "de": """\
Die Pumpe mit der Nummer {n} steht in der alten Halle neben dem Fluss.
Niemand weiß, wer sie gebaut hat, und niemand fragt mehr danach.
An stillen Abenden hört man sie bis lange nach Mitternacht arbeiten.
Kinder winken den Booten zu, die im Sommer den Kanal herunterkommen.
Schließen Sie das Ventil, bevor Sie die Tür des Heizraums öffnen.
Unsere Ingenieure haben im letzten Winter jeden Tag die Temperatur gemessen.
Wenn die rote Lampe leuchtet, rufen Sie bitte in der Werkstatt an.
Ein neuer Anstrich lässt die Räder wieder jung aussehen.""",
    "fr": """\
La pompe qui porte le numéro {n} se trouve dans la vieille salle au bord du fleuve.
Personne ne sait qui l'a construite, et personne ne le demande plus.
Les soirs calmes, on l'entend travailler jusque bien après minuit.
Les enfants saluent les bateaux qui descendent le canal en été.
Fermez la vanne avant d'ouvrir la porte de la chaufferie.
Nos ingénieurs ont mesuré la température chaque jour de l'hiver dernier.
Si la lampe rouge est allumée, appelez l'atelier et lisez le manuel.
Une nouvelle couche de peinture a rendu leur jeunesse aux roues.""",
    "es": """\
La bomba con el número {n} está en la vieja nave junto al río.
Nadie sabe quién la construyó, y ya nadie lo pregunta.
En las noches tranquilas se la oye trabajar hasta mucho después de medianoche.
Los niños saludan a los barcos que bajan por el canal en verano.
Cierre la válvula antes de abrir la puerta de la sala de calderas.
Nuestros ingenieros midieron la temperatura todos los días del invierno pasado.
Si la lámpara roja está encendida, llame al taller y lea el manual.
Una nueva mano de pintura ha devuelto la juventud a las ruedas.""",
    "zh": """\
第{n}号水泵位于河边的老厂房里，已经工作了很多年。
没有人知道它是谁造的，也没有人再问起这件事。
在安静的夜晚，人们能听见它一直工作到深夜。
夏天，孩子们向沿着运河驶来的小船挥手。
请在打开锅炉房的门之前关闭阀门。
去年冬天，我们的工程师每天都测量温度。
如果红灯亮了，请给车间打电话，并阅读手册。
新刷的油漆让那些轮子看起来又年轻了。""",
    "ja": """\
{n}番のポンプは、川のそばの古い建物の中にあります。
誰がそれを作ったのか、今では誰も知りませんし、尋ねもしません。
静かな夜には、真夜中を過ぎても動いている音が聞こえます。
夏になると、子どもたちは運河を下る船に手を振ります。
ボイラー室の扉を開ける前に、必ず弁を閉めてください。
去年の冬、私たちの技術者は毎日温度を測りました。
赤いランプがついていたら、工場に電話をしてください。
新しく塗り直したので、車輪は若返ったように見えます。""",
}
CLOSING = {
    "en": "Come and see it on Sunday.",
    "de": "Kommen Sie am Sonntag vorbei.",
    "fr": "Venez la voir dimanche.",
    "es": "Venga a verla el domingo.",
    "zh": "欢迎星期天来参观。",
    "ja": "日曜日にぜひ見に来てください。",
}
REFUSALS = {
    "en": ["I'm sorry, but I can't help with that.", "As an AI language model, I cannot write this post."],
    "de": [
        "Es tut mir leid, dabei kann ich nicht helfen.",
        "Als KI-Modell kann ich diesen Text nicht schreiben.",
    ],
    "fr": [
        "Désolé, je ne peux pas répondre à cette demande.",
        "Malheureusement, je ne peux pas créer ce contenu.",
    ],
    "es": ["Lo siento, pero no puedo ayudarte con eso.", "Lamentablemente, no puedo generar ese contenido."],
    "zh": ["抱歉，我无法满足您的请求。", "作为一个AI语言模型，我不能撰写这篇文章。"],
    "ja": ["申し訳ありませんが、お応えできません。", "すみませんが、その内容を作成することはできません。"],
}
INTRODUCTIONS = {
    "en": "Sure! Here is your post:",
    "de": "Gerne! Hier ist dein Beitrag:",
    "fr": "Bien sûr ! Voici votre texte :",
    "es": "¡Claro! Aquí tienes el texto:",
    "zh": "好的，以下是您要的文章：",
    "ja": "承知しました。以下が投稿文です：",
}
WORN = {
    "en": "In today's fast-paced world, everything moves.",
    "de": "In der heutigen schnelllebigen Welt bewegt sich alles.",
    "fr": "Dans le monde d'aujourd'hui, tout bouge.",
    "es": "En el mundo actual, todo se mueve.",
    "zh": "在当今快节奏的社会中，一切都在变化。",
    "ja": "現代社会において、すべてが変化しています。",
}
LANGUAGES = tuple(SENTENCES)
_ROW = re.compile(r"\[row (\d+)\]")


@dataclass(frozen=True)
class Row:
    """What a post is written about."""

    n: int

    @property
    def language(self) -> str:
        return LANGUAGES[self.n % len(LANGUAGES)]

    @property
    def number(self) -> int:
        """The number of the pump."""
        return 100 + self.n

    @property
    def good(self) -> str:
        """The post as it should be: the sentence about the pump, four others, the one that is wanted."""
        return self.post(self.language)

    @property
    def notes(self) -> str:
        """What the prompt tells of the pump, in sentences that the post has not."""
        return self._joined(self.language, self._chosen(self.language)[4:])

    def post(self, language: str, sentences: int = 4) -> str:
        """A post in a language."""
        first = SENTENCES[language].splitlines()[0]
        lines = [first, *self._chosen(language)[:sentences], CLOSING[language]]
        return self._joined(language, lines)

    def _chosen(self, language: str) -> list[str]:
        others = SENTENCES[language].splitlines()[1:]
        return Random(self.n).sample(others, len(others))

    def _joined(self, language: str, lines: list[str]) -> str:
        return ("" if language in ("zh", "ja") else " ").join(lines).format(n=self.number)


Bad = Callable[[Row, Random], str]


def _cut(row: Row, random: Random) -> str:
    return row.good[: random.randrange(5, 25)]


def _essay(row: Row, random: Random) -> str:
    more = [f"{row.post(row.language, n)[:-1]} ({n})." for n in range(1, 8)]
    return "\n\n".join([*more, row.good])


def _foreign(row: Row, random: Random) -> str:
    return row.post(random.choice([one for one in LANGUAGES if one != row.language]))


def _half(row: Row, random: Random) -> str:
    return f"{row.post(row.language, 2)}\n\n{_foreign(row, random)}"


def _declined(row: Row, random: Random) -> str:
    return random.choice(REFUSALS[row.language])


def _echoed(row: Row, random: Random) -> str:
    before = random.choice(("", prompt(row) + "\n\n"))
    return f"{before}{row.notes} {row.good[-20:]}"


def _fenced(row: Row, random: Random) -> str:
    return f"```{random.choice(('', 'markdown', 'text'))}\n{row.good}\n```"


def _repeated(row: Row, random: Random) -> str:
    return random.choice((f"{row.good} {row.good}", f"{row.good}\n\n{row.good}\n\n{row.good}"))


def _looped(row: Row, random: Random) -> str:
    last = CLOSING[row.language]
    return row.good + f" {last}" * random.randrange(4, 9)


def _doubled_opening(row: Row, random: Random) -> str:
    first = SENTENCES[row.language].splitlines()[0].format(n=row.number)
    return f"{first} {row.good}" if row.language not in ("zh", "ja") else f"{first}{row.good}"


def _without_the_sentence(row: Row, random: Random) -> str:
    return row.good.replace(CLOSING[row.language], "").rstrip()


def _other_figures(row: Row, random: Random) -> str:
    return row.good.replace(str(row.number), str(row.number + random.randrange(1, 900)))


def _introduced(row: Row, random: Random) -> str:
    return f"{INTRODUCTIONS[row.language]}\n\n{row.good}"


def _worn(row: Row, random: Random) -> str:
    return f"{WORN[row.language]} {row.good}"


def _cut_off(row: Row, random: Random) -> str:
    return row.good.replace(CLOSING[row.language], "").rstrip()[:-3]


def _in_another_place(row: Row, random: Random) -> str:
    closing = CLOSING[row.language]
    return f"{closing}\n\n{row.good.replace(closing, '').rstrip()}"


BAD: dict[str, tuple[str, Bad]] = {
    "too short": ("length", _cut),
    "too long": ("length", _essay),
    "in another language": ("language", _foreign),
    "half in another language": ("language", _half),
    "a refusal": ("refusal", _declined),
    "an echo": ("echo", _echoed),
    "repeated": ("repetition", _repeated),
    "a loop": ("repetition", _looped),
    "a doubled opening": ("repetition", _doubled_opening),
    "a missing sentence": ("contains", _without_the_sentence),
    "other figures": ("numbers", _other_figures),
    "in a fence": ("fences", _fenced),
    "an introduction": ("fences", _introduced),
    "a worn opening": ("opening", _worn),
    "cut off": ("ending", _cut_off),
    "a sentence in another place": ("ends_with", _in_another_place),
}
"""what is wrong -> the check that must say so, and the answer"""
OF_LANGUAGE = frozenset(("in another language", "half in another language", "an echo", "a refusal"))
"""what a check may miss in a few cases, because it goes by words"""


def prompt(row: Row) -> str:
    """What is asked."""
    return f"[row {row.n}] Write a post in {row.language} about pump {row.number}. Notes: {row.notes}"


CHECKS: dict[str, Any] = {
    "length": {"min": 60, "max": 600},
    "language": "{{ lang }}",
    "refusal": True,
    "echo": True,
    "repetition": True,
    "numbers": {"from": "{{ number }}"},
    "contains": "{{ closing }}",
    "fences": True,
    "opening": True,
    "ending": True,
    "ends_with": "{{ closing }}",
}


@dataclass
class Heard:
    """What was asked, in order: the row, and the last turn of the conversation."""

    requests: list[tuple[int, str]] = field(default_factory=list)


Write = Callable[[Row, int, str], str]
"""a row, how often it was asked before, what was asked last -> the answer"""


@contextmanager
def writer(write: Write, script: Script | None = None) -> Iterator[tuple[Server, Heard]]:
    """A server that writes with this function; gone on exit."""
    heard = Heard()

    def answer(chat: Chat) -> str:
        found = _ROW.search(json.dumps(chat.body["messages"]))
        assert found is not None
        row = Row(int(found[1]))
        before = sum(n == row.n for n, _ in heard.requests)
        heard.requests.append((row.n, chat.last))
        return write(row, before, chat.last)

    with any_writer(answer, script) as (server, _):
        yield server, heard
