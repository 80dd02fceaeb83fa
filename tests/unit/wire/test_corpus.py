"""Refusals and headers as real servers send them, one entry each: what they become."""

from __future__ import annotations

import re
import time
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import yaml

from pipeline.core.domain import Billed, Fate, Fault, ServerLimits
from pipeline.wire.faults import error_reply, fault_of
from pipeline.wire.headers import advertised_limits, advertised_wait
from tests.support import ROOT

NOW = 1_700_000_000.0


def corpus(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(Path(ROOT, "tests", "corpus", name).read_text("utf-8"))
    return loaded


ERRORS, HEADERS = corpus("errors.yaml"), corpus("headers.yaml")


def fault(entry: dict[str, Any]) -> Fault:
    body = entry["body"].encode()
    made = fault_of(entry["status"], entry.get("headers", {}), body)
    if entry["status"] == 200:
        inside = error_reply(body)
        assert inside is not None, "the reply was not taken for an error"
        made = inside
    return made


@pytest.mark.parametrize("entry", ERRORS, ids=lambda entry: f"{entry['server']}-{entry['status']}")
def test_a_refusal_becomes_what_the_corpus_says(entry: dict[str, Any]) -> None:
    made = fault(entry)
    judged = (made.kind, made.fate.value, made.billed.value)
    assert judged == (entry["kind"], entry["fate"], entry["billed"])
    assert made.wait == (pytest.approx(entry["wait"]) if "wait" in entry else None)
    assert not [words for words in entry["words"] if str(words) not in made.message], made.message
    assert_is_one_line(made)


def assert_is_one_line(made: Fault) -> None:
    assert made.message and len(made.message) < 500
    assert made.message == " ".join(made.message.split())


@pytest.mark.parametrize("entry", HEADERS, ids=lambda entry: str(entry["server"]))
def test_headers_tell_what_the_corpus_says(entry: dict[str, Any]) -> None:
    wait, told = (read(entry["headers"], NOW) for read in (advertised_wait, advertised_limits))
    assert wait == (pytest.approx(entry["wait"]) if "wait" in entry else None)
    limits = told if isinstance(told, ServerLimits) else ServerLimits()
    assert (limits.rpm, limits.tpm, limits.rpd) == tuple(entry.get(name) for name in ("rpm", "tpm", "rpd"))


NEVER_REACHED = {521, 523, 525, 526}
"""statuses of a proxy that had no connection to the server behind it"""
KINDS = {entry["kind"] for entry in ERRORS} | {"redirected", "disconnected", "conflict", "proxy_refused"}
SAYS_NO = re.compile("|".join((
    r"overload|capacity|queue|busy|loading|maximum pending|upstream|available|get a peer|<center>",
    r"too many|rate|qps|slow|quota|unavailable_error",
)), re.IGNORECASE)  # fmt: skip
"""without such words a server's fault may be billed"""


@pytest.mark.parametrize("seed", range(40))
def test_any_status_with_any_body_makes_a_fault_that_is_not_too_cheap(seed: int) -> None:
    random = Random(seed)
    for _ in range(60):
        status, body = random.randrange(300, 600), mutated(random)
        made = fault_of(status, {}, body)
        assert made.kind in KINDS and isinstance(made.fate, Fate) and made.status == status
        assert_is_one_line(made)
        if status >= 500 and made.billed is Billed.NO:
            said = body.decode("utf-8", "replace")
            assert status in NEVER_REACHED or SAYS_NO.search(said), (status, body)
        if inside := error_reply(body):
            assert inside.status < 500 or inside.billed is not Billed.NO
            assert_is_one_line(inside)


def mutated(random: Random) -> bytes:
    """A body of the corpus, with pieces cut out, doubled, put elsewhere, or replaced by noise."""
    body = random.choice(ERRORS)["body"].encode()
    for _ in range(random.randrange(4)):
        at, to = sorted(random.randrange(len(body) + 1) for _ in range(2))
        piece = random.choice(
            (b"", body[at:to] * 2, random.randbytes(5), b'"', b"{", b"]", b"null", b"\\ud800")
        )
        body = body[:at] + piece + body[random.choice((at, to)) :]
    return body


@pytest.mark.parametrize("seed", range(20))
def test_a_prompt_that_is_quoted_stops_no_run(seed: int) -> None:
    random = Random(seed)
    quoted = random.choice([entry for entry in ERRORS if entry["fate"] == "stop"])["body"]
    for message in (f"Invalid content: {quoted}", f"messages[0].content {quoted!r} is not allowed"):
        made = fault_of(
            400, {}, orjson.dumps({"error": {"message": message, "type": "invalid_request_error"}})
        )
        assert made.fate is Fate.FAIL, made


@pytest.mark.parametrize("filler", ["{", "(", "Error: ", "a", "wait ", "<", "model ", "[{", "1 second and "])
def test_a_long_refusal_is_read_in_a_moment(filler: str) -> None:
    long = filler * (60_000 // len(filler))
    bodies = [
        long.encode(),
        orjson.dumps({"error": {"message": long}}),
        orjson.dumps({"message": {"raw": long}}),
    ]
    began = time.process_time()
    for body in bodies:
        for status in (400, 403, 408, 429, 503):
            fault_of(status, {"retry-after": long}, body)
    assert time.process_time() - began < 5


def test_the_corpus_is_large_and_names_many_servers() -> None:
    assert len(ERRORS) >= 40 and len(HEADERS) >= 30
    assert len({entry["server"] for entry in ERRORS}) >= 30
