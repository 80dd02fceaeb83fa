"""A complaint in the words that its reader needs: the model is told what to do, a person what was wrong.

What a model is told is part of a request, so its words never change here. A person reads the same sentence in
the third person and without the order at its end. This module does not know what the complaint is about.
"""

from __future__ import annotations

import re

from pipeline.core.errors import own_words

_ORDERS = re.compile(
    r" ?\b(Answer again(, with the (JSON alone|whole JSON corrected))?"
    r"|Write it (again(, complete, and end it with .{3,40}|, with another opening and other words)?"
    r"|shorter|longer)"
    r"|Translate (it|all of it)|Write it in [^.]{1,60}|Keep (them exactly as they are|all [a-z ]{1,20})"
    r"|Leave (it|them) out|Write what was asked for|Say each thing once|Use only figures that you were given"
    r"|Begin it in another way|Give the text alone|Put (all|the) hashtags [a-z ]{1,40}"
    r"|Write it( again, without Markdown| to its end)|(Expand|Shorten) it by about [^.]{1,60}"
    r"|Use (the glossary|only [a-z ]{1,40}|each hashtag once|at (most|least) \d+ [a-z]{1,20}))\.(?= [A-Z]|$)"
)
_NOT_JSON = re.compile(r'(?:Your answer|The field "[^"]*" of your answer) is not JSON \(')
_BEGINNINGS = (
    (re.compile(r"(?<=\. )Your (?=answer|JSON|translation)"), "The "),
    (re.compile(r"\AYour (?=answer|JSON|translation)"), "the "),
    (re.compile(r'(?<=[Tt]he field )("[^"]*") of your answer'), r"\1 of the answer"),
    (re.compile(r'\AThe (?=field ")'), "the "),
    (re.compile(r"\bfigures that you were not given"), "figures that were not given to the model"),
    (re.compile(r"\brepeats what you were given"), "repeats what was given to the model"),
    (re.compile(r"\ban address that you were not given"), "an address that was not given to the model"),
    (re.compile(r"\AThe server did not accept your"), "the server did not accept the"),
    (re.compile(r"\AYou gave the source text back"), "the translation is the source text"),
)


def to_a_person(complaint: str) -> str:
    """The complaint as a person reads it: "the answer is not JSON (…)"."""
    said = _ORDERS.sub("", complaint)
    if not_json := _NOT_JSON.match(said):
        said = not_json[0] + own_words(said[not_json.end() :])
    for beginning, instead in _BEGINNINGS:
        said = beginning.sub(instead, said)
    return said.removesuffix(".")
