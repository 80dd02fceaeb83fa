"""Lines of batches: what goes out, and what is made of every line that comes back."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import yaml

from pipeline.core.domain import Request
from pipeline.wire.batching import (
    BEFORE_BODY,
    LineBack,
    Vendor,
    body_of,
    line_of,
    made_at,
    new_mark,
    path_of,
    read_line,
    vendor_of,
    vendors,
)
from tests.support import ROOT

LINES: list[dict[str, Any]] = yaml.safe_load(Path(ROOT, "tests/corpus/batch_lines.yaml").read_text("utf-8"))


@pytest.mark.parametrize("entry", LINES, ids=lambda entry: str(entry["server"]))
def test_a_line_becomes_what_the_corpus_says(entry: dict[str, Any]) -> None:
    back = read_line(entry["line"].encode())
    if "id" not in entry:
        assert back is None
        return
    assert back is not None
    assert (back.id, back.status) == (entry["id"], entry["status"])
    assert not [words for words in entry["has"] if words not in back.body.decode()], back.body
    assert b"\n" not in back.body


def test_the_corpus_has_lines_of_every_kind() -> None:
    statuses = {entry.get("status") for entry in LINES}
    assert len(LINES) >= 35 and {None, 0, 200, 400, 429, 500} <= statuses


@pytest.mark.parametrize("seed", range(20))
def test_a_broken_line_is_nothing_or_a_line(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        line = bytearray(random.choice(LINES)["line"].encode())
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(len(line) + 1)
            line[at : at + random.randrange(3)] = random.choice((b"", b'"', b"}", b"\xff", b"\0", b"[" * 50))
        back = read_line(bytes(line))
        assert back is None or (isinstance(back, LineBack) and orjson.loads(orjson.dumps(back.status)) >= 0)


@pytest.mark.parametrize("filler", ["[", '{"a":', "\\", '"', "1", "\ud800"])
def test_a_line_of_megabytes_is_read_in_a_moment(filler: str) -> None:
    began = time.process_time()
    for line in (filler * 300_000, '{"custom_id": "a", "response": ' + filler * 300_000):
        read_line(line.encode("utf-8", "surrogatepass"))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", vendors())
@pytest.mark.parametrize("api", ["chat", "responses", "completions"])
def test_what_goes_out_is_a_line_with_the_body_as_it_is(name: str, api: str) -> None:
    body = '{"model":"m","messages":[{"role":"user","content":"é\\n\\u2028"}]}'.encode()
    request = Request(api, "m", body)
    line = line_of(request, path_of(api), vendors()[name])
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and body in line
    said = orjson.loads(line)
    assert bytes.fromhex(said["custom_id"]) == request.digest
    assert len(said["custom_id"]) <= 64, "no server takes longer ids"
    whole = {"method": "POST", "url": path_of(api)} if vendors()[name].line == "whole" else {}
    assert said == {"custom_id": said["custom_id"], "body": orjson.loads(body), **whole}


@pytest.mark.parametrize("vendor", vendors().values(), ids=lambda vendor: vendor.name)
def test_what_is_known_of_a_server_is_complete(vendor: Vendor) -> None:
    assert vendor.apis or vendor.note, "why it takes none is said"
    if vendor.apis:
        assert vendor.most_requests > 0 and vendor.most_bytes > 0 and vendor.window
        assert set(vendor.apis) <= {"chat", "responses", "completions", "moderations"}
    assert vendor.source.startswith("https://") or vendor.name == "compatible"
    names = {"file": "F", "endpoint": "E", "window": "W", "model": "M", "mark": "K"}
    made = orjson.dumps(body_of(vendor, **names)).decode()
    assert "{file}" not in made and '"F"' in made and '"E"' in made
    assert ('"pipeline":"K"' in made) or not vendor.metadata, "a batch that keeps metadata has the mark"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://me.openai.azure.com/openai/v1", "azure"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini"),
        ("https://evilapi.openai.com/v1", "compatible"),
        ("https://openai.azure.com.evil.example/v1", "compatible"),
        ("http://127.0.0.1:8000/v1", "compatible"),
        ("", "compatible"),
    ],
)
def test_a_server_is_known_by_its_host(address: str, name: str) -> None:
    assert vendor_of(address).name == name


@pytest.mark.parametrize("job", ["films", "a b/../c", "é" * 80, "", "x-1800000000-0123456789abcdef"])
def test_a_mark_can_stand_in_the_name_of_a_file_and_says_when_it_was_made(job: str) -> None:
    marks = {new_mark(job, 1_800_000_000.7) for _ in range(50)}
    assert len(marks) == 50
    for mark in marks:
        assert mark.isascii() and mark.replace("-", "").replace("_", "").isalnum() and len(mark) <= 80
        assert made_at(mark) == 1_800_000_000


@pytest.mark.parametrize("mark", ["", "films", "films-12-0123456789abcdef", "films-1800000000-xyz"])
def test_another_mark_says_nothing_of_its_time(mark: str) -> None:
    assert made_at(mark) == 0


@pytest.mark.parametrize("name", ["openai", "mistral"])
def test_a_body_is_found_again_in_its_line(name: str) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"{\\"body\\":1}"}]}'
    line = line_of(Request("chat", "m", body), path_of("chat"), vendors()[name])
    begins = line.index(BEFORE_BODY) + len(BEFORE_BODY)
    assert line[begins:-2] == body and line.endswith(b"}\n")
