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
_BOUNDS = (
    (re.compile(r"\. Use at most (\d+) [a-z]{1,20}\.(?= [A-Z]|$)"), r"; it may have at most \1."),
    (re.compile(r"\. Use at least (\d+) [a-z]{1,20}\.(?= [A-Z]|$)"), r"; it needs at least \1."),
    (re.compile(r"\. Put (all|the) hashtags ([a-z ]{1,40})\.(?= [A-Z]|$)"), r"; \1 hashtags must stand \2."),
    (re.compile(r"\. Write it in (?!your)([^.]{1,60})\.(?= [A-Z]|$)"), r"; it must be in \1."),
)
"""orders that say what is allowed: a person needs that, too"""
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
    said = complaint
    for order, bound in _BOUNDS:
        said = order.sub(bound, said)
    said = _ORDERS.sub("", said)
    if not_json := _NOT_JSON.match(said):
        said = not_json[0] + own_words(said[not_json.end() :])
    for beginning, instead in _BEGINNINGS:
        said = beginning.sub(instead, said)
    return said.removesuffix(".")
