"""The check of the language: whole answers, parts of them, scripts, and what is too short to tell."""

from __future__ import annotations

import time
from itertools import combinations, product

import pytest
from pydantic import ValidationError

from pipeline.text.prose import common
from tests.support.checks import said
from tests.support.sentences import english, translated

ENGLISH = " ".join(english(n) for n in range(6))
CHINESE = (
    "水泵房的第七号水泵位于河边的老厂房里。请在打开锅炉房的门之前关闭阀门。去年冬天我们测量了多次温度。" * 3
)
SHORT = {
    "zh-Hant": "水泵房的第七號水泵位於河邊的老廠房裡。請在打開鍋爐房的門之前關閉閥門。去年冬天測量了溫度。",
    "ja": "七番のポンプは川のそばの古い建物にあります。ボイラー室の扉を開ける前に弁を閉めてください。",
    "ru": "Насос номер семь стоит в зале у реки. Закройте клапан, прежде чем открыть дверь котельной. ",
    "sr-Latn": "Pumpa broj sedam stoji u hali pored reke. Zatvorite ventil pre nego što otvorite vrata. ",
    "sr-Cyrl": "Пумпа број седам стоји у хали поред реке. Затворите вентил пре него што отворите врата. ",
    "ko": "일곱 번째 펌프는 강가의 오래된 건물에 있습니다. 보일러실 문을 열기 전에 밸브를 잠그십시오. ",
    "ar": "توجد المضخة رقم سبعة في القاعة القديمة بجانب النهر. أغلق الصمام قبل أن تفتح باب غرفة المرجل. ",
}
TEXTS = {
    "en": ENGLISH,
    **{code: translated(ENGLISH, code) for code in ("de", "es", "pl")},
    "zh-Hans": CHINESE,
    **{code: text * 4 for code, text in SHORT.items()},
}


@pytest.mark.parametrize(("written", "wanted"), list(product(TEXTS, TEXTS)))
def test_a_text_is_in_its_own_language_alone(written: str, wanted: str) -> None:
    complaint = said("language", TEXTS[written], wanted)
    assert (complaint is None) == (written == wanted)
    assert complaint is None or f"({wanted})" in complaint or wanted.startswith("sr")
    assert said("language", TEXTS[written], [wanted, written]) is None


@pytest.mark.parametrize(("one", "other"), [pair for pair in product(TEXTS, TEXTS) if pair[0] != pair[1]])
def test_half_an_answer_in_another_language_is_found(one: str, other: str) -> None:
    for text in (f"{TEXTS[one]}\n\n{TEXTS[other]}", f"{TEXTS[other]} {TEXTS[one]}"):
        complaint = said("language", text, one)
        assert complaint is not None and complaint.startswith("Your answer is ")


@pytest.mark.parametrize("name", ["sr", "SR", "zh", "zh_CN", "zh-TW", "en-GB", "es-MX", "yue"])
def test_a_tag_is_read_as_people_write_it(name: str) -> None:
    own = {
        "sr": ("sr-Latn", "sr-Cyrl"),
        "zh": ("zh-Hans", "zh-Hant"),
        "zh_cn": ("zh-Hans",),
        "zh-tw": ("zh-Hant",),
    }
    for code in own.get(name.lower(), (name.split("-")[0],) if name != "yue" else ("zh-Hant",)):
        assert said("language", TEXTS[code], name) is None
    assert said("language", TEXTS["de"], name) is not None


@pytest.mark.parametrize(
    "text",
    ["", "Hallo", "OK", "12.50 €", "Bonjour tout le monde", "iPhone 15 Pro Max", "Das ist gut",
     "https://example.org/a/b/c", "`for x in range(10): print(x)`",
     "```python\nfor line in open('a'):\n    print(line.strip())\n```",
     "#ThisIsALongHashtag #AndAnotherOne @somebody_with_a_name",
     "Johann Sebastian Bach, Wolfgang Amadeus Mozart"],
)  # fmt: skip
@pytest.mark.parametrize("wanted", ["en", "de", "fr", "pl"])
def test_what_is_too_short_or_no_prose_is_let_pass(text: str, wanted: str) -> None:
    assert said("language", text, wanted) is None


def test_names_quotations_and_code_may_be_in_another_language() -> None:
    german, quoted = TEXTS["de"], english(0)
    assert said("language", f'{german} "{quoted}" {german}', "de") is None
    assert (
        said("language", f"{CHINESE} OpenAI GPT-4 Transformer Attention Is All You Need {CHINESE}", "zh")
        is None
    )
    code = "```\nfor each in the list of all the things:\n    print(each, and, then, some, more, of, it)\n```"
    assert said("language", f"{german}\n\n{code}\n\n{german}", "de") is None


@pytest.mark.parametrize("name", ["german", "x", "", "12", "de fr"])
def test_a_name_that_is_no_tag_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="write en, pt-BR, zh-Hans"):
        said("language", "x", name)
    with pytest.raises(ValidationError):
        said("language", "x", [])


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "a. " * 300_000, "\n" * 1_000_000, "\ud800 a" * 100_000, "\0" * 1_000_000,
             "字。" * 300_000, "```\n" * 200_000, "[a](" * 200_000, "#" * 500_000]
)  # fmt: skip
def test_a_hostile_text_takes_no_time(text: str) -> None:
    begun = time.process_time()
    said("language", text, "de")
    assert time.process_time() - begun < 3


def test_small_words_are_those_of_one_language_alone() -> None:
    assert all(one.isdisjoint(other) for one, other in combinations(common._OF.values(), 2))
    for code, text in TEXTS.items():
        found = {language for language in common._OF if common.is_common(text, language)}
        assert found <= {code} and (found or code not in ("en", "de"))
