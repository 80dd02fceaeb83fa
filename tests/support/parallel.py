"""One short text in eight languages, and the faults that models put into translations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from pipeline.text.prose.spoken import ADDRESS, PLACEHOLDER, TAG, prose
from pipeline.text.scripts import weight
from pipeline.translation.gates.ending import end_of

SENTENCES = {
    "en": (
        "Open the settings page and choose the language in which the program speaks to you.",
        "The {name} file was saved in the folder, and a copy was sent to your colleagues.",
        "Do you want to delete all pictures that are older than a year?",
        "Read more about it at https://example.org/guide and <b>keep</b> your password secret.",
    ),
    "de": (
        "Öffnen Sie die Seite mit den Einstellungen und wählen Sie die Sprache, in der das Programm mit Ihnen"
        " spricht.",
        "Die Datei {name} wurde im Ordner gespeichert, und eine Kopie ging an Ihre Kollegen.",
        "Möchten Sie alle Bilder löschen, die älter als ein Jahr sind?",
        "Mehr dazu lesen Sie unter https://example.org/guide, und <b>halten</b> Sie Ihr Passwort geheim.",
    ),
    "fr": (
        "Ouvrez la page des réglages et choisissez la langue dans laquelle le programme vous parle.",
        "Le fichier {name} a été enregistré dans le dossier, et une copie a été envoyée à vos collègues.",
        "Voulez-vous supprimer toutes les images qui datent de plus d’un an ?",
        "Pour en savoir plus : https://example.org/guide, et <b>gardez</b> votre mot de passe secret.",
    ),
    "es": (
        "Abra la página de ajustes y elija el idioma en que le habla el programa.",
        "El archivo {name} se guardó en la carpeta y se envió una copia a sus compañeros.",
        "¿Quiere borrar todas las imágenes que tienen más de un año?",
        "Lea más en https://example.org/guide y <b>mantenga</b> su contraseña en secreto.",
    ),
    "ru": (
        "Откройте страницу настроек и выберите язык, на котором программа говорит с вами.",
        "Файл {name} сохранён в папке, а копия отправлена вашим коллегам.",
        "Хотите удалить все снимки, которым больше года?",
        "Подробнее читайте на https://example.org/guide и <b>храните</b> пароль в тайне.",
    ),
    "zh": (
        "请打开设置页面，选择程序与您交流时使用的语言。",
        "文件 {name} 已保存到文件夹中，副本已发送给您的同事。",
        "您要删除所有一年以前的图片吗？",
        "更多内容请阅读 https://example.org/guide，并请<b>保管</b>好您的密码。",
    ),
    "ja": (
        "設定ページを開き、プログラムが使う言語を選んでください。",
        "ファイル {name} をフォルダーに保存し、コピーを同僚の方に送りました。",
        "一年以上前の画像をすべて削除しますか？",
        "詳しくは https://example.org/guide をお読みになり、パスワードは秘密に<b>して</b>ください。",
    ),
    "ko": (
        "설정 페이지를 열고 프로그램이 사용할 언어를 선택하세요.",
        "{name} 파일을 폴더에 저장했고 사본을 동료들에게 보냈습니다.",
        "일 년이 넘은 사진을 모두 삭제하시겠습니까?",
        "자세한 내용은 https://example.org/guide 에서 읽고 비밀번호는 비밀로 <b>지켜</b> 주세요.",
    ),
}
_LEAST = 15
"""the weight of letters from which on a fault of words must be found"""
_USUAL = 4
"""letters of words that stand twice in good texts: that that, vous vous"""
_UNSPACED = re.compile("[\u3041-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_DOUBLED = re.compile("[\u4e00-\u9fff]{2,4}|[\u30a1-\u30fc]{3,6}")
STRUCTURAL = {
    "placeholder lost",
    "placeholder changed",
    "link lost",
    "link changed",
    "tag lost",
    "blank line",
}
OF_WORDS = {"echo", "half", "ending", "doubled"}


def faults(source: str, target: str, random: Random) -> Iterator[tuple[str, str]]:
    """Every fault that this pair can have: its name, and the translation with it."""
    yield from _structural(target, random)
    if weight(prose(source)) < _LEAST:
        return
    yield "echo", source
    behind = _part(source, 1)
    if weight(prose(behind)) >= _LEAST:
        yield "half", f"{_part(target, 0)} {behind}"
    if end_of(source) and end_of(target):
        yield "ending", _without_end(target)
    if again := _doubled(target, random):
        yield "doubled", again


def _structural(target: str, random: Random) -> Iterator[tuple[str, str]]:
    for name, pattern in (("placeholder", PLACEHOLDER), ("link", ADDRESS), ("tag", TAG)):
        if found := [one[0].rstrip(".,，") for one in pattern.finditer(target)]:
            one = random.choice(found)
            yield f"{name} lost", target.replace(one, "", 1)
            if name != "tag":
                cut = max(1, len(one) - 2)
                yield f"{name} changed", target.replace(one, f"{one[:cut]}q{one[cut:]}")
    if len(words := target.strip().split(" ")) > 1:
        yield "blank line", "\n\n".join((" ".join(words[:1]), " ".join(words[1:])))


def _part(text: str, which: int) -> str:
    units, blank = (list(text), "") if _UNSPACED.search(text) else (text.split(), " ")
    middle = len(units) // 2
    return blank.join(units[middle:] if which else units[:middle])


def _without_end(text: str) -> str:
    while end_of(text):
        text = text.rstrip("'\"”’»)]）】」』》 \u00a0")[:-1]
    return text


def _doubled(text: str, random: Random) -> str:
    if _UNSPACED.search(text):
        found = list(_DOUBLED.finditer(text))
        at = random.choice(found) if found else None
        return f"{text[: at.end()]}{at[0]}{text[at.end() :]}" if at else ""
    words = text.split()
    places = [i for i, word in enumerate(words) if word.isalpha() and len(word) > _USUAL]
    at_word = random.choice(places) if places else None
    return "" if at_word is None else " ".join([*words[: at_word + 1], *words[at_word:]])
