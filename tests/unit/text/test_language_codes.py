"""Which words are no code of a language, and which code was meant."""

import pytest

from pipeline.text.language import KNOWN
from pipeline.text.language_codes import meant

CODES = ["pt-BR", "pt_BR", "zh-Hant", "zh-hant-TW", "EN", "sr-Latn", "de-1996", "es-419", "eng", "yue", "fil"]
WRONG = {
    "english": "en", "Portugese": "pt", "german": "de", "jp": "ja", "CN": "zh", "ua-UA": "uk", "xx": "",
    "klingon": "", "e": "", "": "", "pt BR": "", "pt-": "", "d\u00e9": "", "japan": "ja",
}  # fmt: skip


@pytest.mark.parametrize("name", [*CODES, *sorted(KNOWN)])
def test_codes_pass(name: str) -> None:
    assert meant(name) is None


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_code_is_found_and_the_right_one_named(name: str) -> None:
    assert meant(name) == WRONG[name]
