"""The commonest small words of some languages: a text that is full of them is in that language.

It is quicker than the model of letters, and says nothing of a text that has few. Words that two of the
languages share are left out. This module does not know scripts.
"""

from __future__ import annotations

_WORDS = {
    "en": "the and of to that it with for was are this from they have you not which when were been will your",
    "de": "der die und ist nicht mit ein eine sich auf für dem von zu wird auch werden bei oder wenn sie",
    "fr": "les des est une dans pour qui pas sur avec vous sont ce cette nous aux elle leur plus du et par",
    "es": "el los las y por su para es está más pero sus cuando se muy también fue al",
    "pt": "o os e do da dos uma não com em são pelo pela ao seu sua você foi no",
    "it": "il di che è per non gli della nel sono dei anche alla più le ed questo",
    "nl": "het van een niet zijn op met dat voor ook wordt worden bij aan door naar deze maar ik",
    "pl": "nie się jest że przez jak dla oraz są tym ale czy które został po od jego tego",
    "sv": "och att det som en på är inte för till av har ett om vi kan",
    "ru": "и в не на что с по как это для из но от все при так его она они или",
}
_OF = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_LEAST, _SHARE = 12, 0.25
"""the fewest words of a text that tells, and the share of small ones"""


def is_common(text: str, language: str) -> bool:
    """Whether many of its words are the small ones of this language."""
    small = _OF.get(language)
    if small is None:
        return False
    words = text.lower().split()
    return len(words) >= _LEAST and sum(map(small.__contains__, words)) >= _SHARE * len(words)
