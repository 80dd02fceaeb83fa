"""Languages: their names, the scripts they are written in, and which one the letters of a text fit best.

This module does not know translations.
"""

from __future__ import annotations

import re
from functools import cache

from pipeline.core.document import PSEUDO
from pipeline.core.domain import frozen
from pipeline.text.scripts import scripts

_NAMES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "pt-br": "Brazilian Portuguese", "ro": "Romanian", "ru": "Russian",
    "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
    "zh-hans": "Simplified Chinese", "zh-hant": "Traditional Chinese",
}  # fmt: skip
"""names for prompts: to add or change one changes requests that were paid for"""
_OTHERS = "bg bn ca et fa hr is kk lt lv ms sk sl sr sw ta te tl ur"
"""other languages that many texts are written in"""
_SCRIPTS = {
    "Arab": "ar fa ur ps ug sd ckb arz ary azb", "Armn": "hy", "Beng": "bn as",
    "Cyrl": "ru uk bg be sr mk kk ky mn tg tt ba cv os ce", "Deva": "hi mr ne sa mai bho kok gom",
    "Ethi": "am ti", "Geor": "ka", "Grek": "el grc", "Gujr": "gu", "Guru": "pa", "Hang": "ko",
    "Hani": "zh yue wuu lzh", "Hebr": "he yi iw", "Kana": "ja", "Khmr": "km", "Knda": "kn", "Laoo": "lo",
    "Mlym": "ml", "Mymr": "my shn", "Orya": "or", "Sinh": "si", "Taml": "ta", "Telu": "te", "Thaa": "dv",
    "Thai": "th", "Tibt": "bo dz",
}  # fmt: skip
_SCRIPT_OF = {language: script for script, named in _SCRIPTS.items() for language in named.split()}
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "cmn": "zh", "wuu": "zh", "lzh": "zh"}
"""names of one language, as the model of letters and people spell it"""
OF_TWO = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy "
    "da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu "
    "hy hz ia id ie ig ii ik in io is it iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv "
    "kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr "
    "nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq "
    "sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi "
    "yo za zh zu"
)
"""the languages of ISO 639-1, and old codes of some"""
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8}){0,5}\Z")
KNOWN = frozenset((*(name for name in _NAMES if "-" not in name), *_OTHERS.split()))
"""languages that many texts are written in"""
_TRADITIONAL = {"tw", "hk", "mo"}
_SIMPLIFIED = {"cn", "sg", "my"}


@frozen
class Tag:
    """A tag of a language, taken apart: zh-Hant-TW."""

    language: str
    """the language alone, lower case: zh"""
    script: str
    """the script that it is mostly written in: Hani, Kana for Japanese, Latn where nothing else is known"""
    chinese: str
    """Hans or Hant where a tag of Chinese says which; '' else"""


@cache
def tag(name: str) -> Tag:
    """A tag as people write it (`pt_BR`, `zh-hans`, `sr-Latn`)."""
    first, *rest = (part.lower() for part in name.strip().replace("_", "-").split("-"))
    language = _SAME.get(first, first)
    script = next((part.title() for part in rest if len(part) == 4 and part.isalpha()), "")
    chinese = ""
    if language in ("zh", "yue"):
        places = set(rest)
        chinese = script if script in ("Hans", "Hant") else ""
        if not chinese and places & (_TRADITIONAL | _SIMPLIFIED):
            chinese = "Hant" if places & _TRADITIONAL else "Hans"
        script = "Hani" if chinese else script
    script = {"Jpan": "Kana", "Kore": "Hang"}.get(script, script)
    return Tag(language, script or _SCRIPT_OF.get(language, "Latn"), chinese)


def wrong_pair(source: str, target: str) -> str:
    """Why nothing can be translated from one language into the other, by their tags; '' where it can."""
    for name in (source, target):
        if name != PSEUDO and (wrong := wrong_tag(name)):
            return wrong
    same = source.replace("_", "-").lower() == target.replace("_", "-").lower()
    return f"the documents are in '{target}' already" if same else ""


def wrong_tag(name: str) -> str:
    """Why this is no tag of a language; '' where it is one."""
    first = _TAG.match(name.strip())
    if first and (len(first[1]) > 2 or first[1].lower() in OF_TWO.split()):
        return ""
    return f"'{name[:40]}' is no tag of a language: write en, pt-BR, zh-Hans"


def named(name: str) -> str:
    """A language for a prompt: "German (de)"; the tag alone where its name is not known."""
    as_written = name.strip()
    known = _NAMES.get(as_written.lower())
    return f"{known} ({as_written})" if known else as_written


@cache
def scripts_of(language: Tag) -> frozenset[str]:
    """The scripts that letters of this language have."""
    more = {"ja": ("Hani",), "ko": ("Hani",)}.get(language.language, ())
    return frozenset((language.script, *more))


def best(text: str) -> str:
    """The first language of `ranking`, at less than half of its cost."""
    import py3langid  # heavy: numpy and a model of 4 MB

    language = str(py3langid.classify(text[:_ENOUGH])[0])
    return _SAME.get(language, language)


def ranking(text: str) -> list[tuple[str, float]]:
    """Languages by how well the letters of a text fit them, the best first, with the logarithm of the fit."""
    import py3langid  # heavy: numpy and a model of 4 MB

    found: dict[str, float] = {}
    for language, fit in py3langid.rank(text[:_ENOUGH]):
        found.setdefault(_SAME.get(language, language), fit)
    return list(found.items())


_ENOUGH = 4_000
"""the letters after which more would change nothing"""


def chinese_of(text: str) -> tuple[int, int]:
    """How many characters of a text are Simplified Chinese alone, and how many Traditional alone."""
    if text.isascii():
        return 0, 0
    from pipeline.text._hans import SIMPLIFIED, TRADITIONAL  # a table that few texts need

    return sum(map(SIMPLIFIED.__contains__, text)), sum(map(TRADITIONAL.__contains__, text))


def is_cased(text: str) -> bool:
    """Whether a text has letters of a script with upper and lower case."""
    return bool(scripts(text).keys() & {"Latn", "Cyrl", "Grek", "Armn"})
