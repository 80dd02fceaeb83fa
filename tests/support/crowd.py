"""Posts of a seeded writer: some are copies of earlier ones with light edits."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

LANGUAGES = ("en", "zh", "de")
_WORDS = {
    "en": "amber bridge candle dancing early forest gentle harbour island journey kettle lantern meadow "
    "northern orchard pepper quiet river silver timber under velvet window yellow zephyr anchor bakery "
    "copper drifting evening feather garden hollow ivory jasmine kitchen lemon morning nettle oaken "
    "parlour quarry rustic summer teapot umber valley willow winter basket cellar damson ember fiddle "
    "granite hazel inlet juniper keeper linen mellow nutmeg olive pebble quilted ramble saffron thistle "
    "upland vintage walnut yarrow brisk clover dapple",
    "de": "abend brücke kerze tanzend frühling garten hafen insel reise kessel laterne wiese nordwind "
    "obstbaum pfeffer stille fluss silbern holz samt fenster gelb anker bäckerei kupfer treibend feder "
    "hohl elfenbein küche zitrone morgen nessel eiche stube steinbruch ländlich sommer teekanne tal "
    "weide winter korb keller pflaume glut geige granit hasel bucht wacholder hüter leinen mild muskat "
    "olive kiesel gesteppt wandern safran distel hochland walnuss schafgarbe frisch klee scheckig "
    "herbst nebel wolke regen schnee sonne mond stern erde",
}
_LINKING = {
    "en": ["the", "a", "and", "with", "of", "in", "for", "to", "from", "this", "your", "our"],
    "de": ["der", "die", "das", "und", "mit", "von", "in", "für", "zu", "aus", "dieser", "unser"],
}
_HAN = (
    "春夏秋冬山水风云雨雪花草树木江河湖海日月星天地人家城市街道门窗灯火茶酒米面鱼肉菜果红橙黄绿青蓝紫白黑"
    "大小长短高低新旧早晚东西南北远近快慢轻重冷热干湿甜酸苦辣香静动来去进出上下左右前后里外看听说读写画唱跳"
)
_NAMES = {"en": ("Anna", "Robert"), "de": ("Jonas", "Greta"), "zh": ("小明", "丽华")}
_CLOSING = {
    "en": "Order yours today at our shop.",
    "de": "Bestell heute in unserem Laden.",
    "zh": "今天就来我们的店里看看。",
}


@dataclass(frozen=True)
class Post:
    """A post, and the number of the earlier one that it is a copy of; None for one of its own."""

    text: str
    language: str
    copy_of: int | None = None


def _sentence(rng: random.Random, language: str) -> str:
    if language == "zh":
        return "".join(rng.choices(_HAN, k=rng.randint(9, 16))) + rng.choice("。！")
    lists = _LINKING[language], _WORDS[language].split()
    words = [rng.choice(lists[rng.random() > 0.4]) for _ in range(rng.randint(7, 13))]
    return " ".join(words).capitalize() + rng.choice(".!")


def _own(rng: random.Random, language: str, stock: list[str]) -> str:
    """A post of its own: it shares a name, its last sentence and often its opening with others."""
    sentences = [_sentence(rng, language) for _ in range(rng.randint(3, 5))]
    if rng.random() < 0.3:
        sentences[0] = rng.choice(stock)
    name, gap = _NAMES[language][0], "" if language == "zh" else " "
    sentences[1] = f"{name}{gap}{sentences[1][0].lower()}{sentences[1][1:]}"
    return gap.join([*sentences, _CLOSING[language]])


def _swapped(rng: random.Random, text: str, language: str) -> str:
    """Two words replaced by others."""
    for _ in range(2):
        if language == "zh":
            at = rng.randrange(len(text) - 3)
            text = text[:at] + "".join(rng.choices(_HAN, k=2)) + text[at + 2 :]
        else:
            words = text.split(" ")
            words[rng.randrange(len(words) - 1)] = rng.choice(_WORDS[language].split())
            text = " ".join(words)
    return text


def _renamed(rng: random.Random, text: str, language: str) -> str:
    return text.replace(*_NAMES[language])


def _reordered(rng: random.Random, text: str, language: str) -> str:
    end, gap = ("。", "") if language == "zh" else (".", " ")
    sentences = text.replace("！", "。").replace("!", ".").split(end)[:-1]
    sentences = [one.strip() for one in sentences]
    rng.shuffle(sentences)
    return gap.join(f"{one}{end}" for one in sentences)


def _decorated(rng: random.Random, text: str, language: str) -> str:
    return f"✨ {text.replace('!', '! 🎉').replace('！', '！🎉')} 🚀"


EDITS: tuple[Callable[[random.Random, str, str], str], ...] = (_swapped, _renamed, _reordered, _decorated)


def posts(seed: int, total: int = 500, copies: int = 60) -> list[Post]:
    """So many posts in three languages, of which some are copies with one or two light edits."""
    rng = random.Random(seed)
    places = set(rng.sample(range(total // 4, total), copies))
    made: list[Post] = []
    originals = rng.sample(range(total // 4), copies)
    stock = {language: [_sentence(rng, language) for _ in range(5)] for language in LANGUAGES}
    for i in range(total):
        if i not in places:
            language = LANGUAGES[i % 3]
            made.append(Post(_own(rng, language, stock[language]), language))
            continue
        source = originals.pop()
        text, language = made[source].text, made[source].language
        for edit in rng.sample(EDITS, rng.randint(1, 2)):
            text = edit(rng, text, language)
        made.append(Post(text, language, source))
    return made
