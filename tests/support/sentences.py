"""English sentences with translations into three languages: any number of them, each with its own number."""

from __future__ import annotations

import re
from functools import cache

_TEMPLATES = (
    (
        "The pump with the number {n} stands in the old hall beside the river.",
        "Die Pumpe mit der Nummer {n} steht in der alten Halle neben dem Fluss.",
        "La bomba con el número {n} está en la vieja nave junto al río.",
        "Pompa o numerze {n} stoi w starej hali obok rzeki.",
    ),
    (
        "Close the valve before you open door {n} of the boiler room.",
        "Schließen Sie das Ventil, bevor Sie Tür {n} des Heizraums öffnen.",
        "Cierre la válvula antes de abrir la puerta {n} de la sala de calderas.",
        "Zamknij zawór, zanim otworzysz drzwi {n} kotłowni.",
    ),
    (
        "Our engineers measured the temperature {n} times during the last winter.",
        "Unsere Ingenieure haben die Temperatur im letzten Winter {n} Mal gemessen.",
        "Nuestros ingenieros midieron la temperatura {n} veces durante el último invierno.",
        "Nasi inżynierowie zmierzyli temperaturę {n} razy podczas ostatniej zimy.",
    ),
    (
        "If the red lamp is on, call the workshop and read page {n} of the manual.",
        "Wenn die rote Lampe leuchtet, rufen Sie die Werkstatt an und lesen Sie Seite {n} des Handbuchs.",
        "Si la lámpara roja está encendida, llame al taller y lea la página {n} del manual.",
        "Jeśli świeci się czerwona lampka, zadzwoń do warsztatu i przeczytaj stronę {n} instrukcji.",
    ),
)
LANGUAGES = {"de": 1, "es": 2, "pl": 3}


def english(n: int) -> str:
    """The sentence with this number."""
    return _TEMPLATES[n % len(_TEMPLATES)][0].format(n=n)


def translated(text: str, language: str) -> str:
    """A text with every such sentence translated; the rest stays."""
    for pattern, target in _patterns(language):
        text = pattern.sub(lambda found, target=target: target.format(n=found[1]), text)
    return text


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    place = LANGUAGES[language]
    return tuple(
        (re.compile(re.escape(one[0]).replace(re.escape("{n}"), r"(\d+)")), one[place]) for one in _TEMPLATES
    )
