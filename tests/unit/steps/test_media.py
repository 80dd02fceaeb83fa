"""Pictures and recordings of a row: where they come from, what is refused, and what is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.domain import Fault, Request
from pipeline.core.errors import JobError
from pipeline.engine.stages import Stage
from pipeline.money.tokens import size
from pipeline.system import media
from tests.support.fakes import Provider, said
from tests.support.pictures import MP3, data_url, png, wav
from tests.support.stages import failed, stage, taken

HERE = "http://127.0.0.1:8000/a.png"


def request_of(step: Stage, **values: Any) -> Request:
    return step.runner.first_request({**values, "row": values}, "1")


def parts(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(request.sent)["messages"][-1]["content"]
    return found[1:]


def urls(request: Request) -> list[str]:
    return [part["image_url"]["url"] for part in parts(request)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").write_bytes(png())
    (tmp_path / "photos/same.dat").write_bytes(png())
    (tmp_path / "b.png").write_bytes(png(seed=1))
    (tmp_path / "s.wav").write_bytes(wav())
    (tmp_path / "s.mp3").write_bytes(MP3)
    return tmp_path


SOURCES: dict[str, tuple[str, Any, list[bytes]]] = {
    "a path": ("{{ photo }}", "photos/a.png", [png()]),
    "a part of a path": ("photos/{{ photo }}.png", "a", [png()]),
    "bytes": ("{{ photo }}", png(), [png()]),
    "bytes of the row": ("{{ row.photo }}", png(), [png()]),
    "bytes by a quoted name": ("{{ row['photo'] }}", png(), [png()]),
    "a field": ("{{ photo.bytes }}", {"bytes": png(), "path": None}, [png()]),
    "an object of a collection": ("{{ photo }}", {"bytes": png(), "path": "none.png"}, [png()]),
    "an object with a path": ("{{ photo }}", {"bytes": None, "path": "b.png"}, [png(seed=1)]),
    "a list": ("{{ photo }}", ["photos/a.png", png(seed=1)], [png(), png(seed=1)]),
    "the same twice": ("{{ photo }}", ["photos/a.png"] * 2, [png(), png()]),
    "an empty list": ("{{ photo }}", [], []),
    "an address with bytes": ("{{ photo }}", data_url(png()), [png()]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_picture_is_sent_with_its_own_bytes(photos: Path, name: str) -> None:
    template, value, wanted = SOURCES[name]
    request = request_of(stage(photos, prompt="p", images=[template]), photo=value)
    if wanted:
        assert urls(request) == [data_url(one) for one in wanted]
    else:
        assert json.loads(request.sent)["messages"][-1]["content"] == "p"


def test_the_digest_goes_by_content_and_not_by_path(photos: Path) -> None:
    step = stage(photos, prompt="p", images="{{ photo }}")
    same = ["photos/a.png", "photos/same.dat", "photos/../photos/a.png", png(), data_url(png())]
    requests = [request_of(step, photo=one) for one in same]
    assert len({request.digest for request in requests}) == 1
    assert len(set(requests)) == 1
    others = [request_of(step, photo=one).digest for one in ("b.png", HERE, png(5, 3))]
    assert len({requests[0].digest, *others}) == 4
    detailed = request_of(stage(photos, prompt="p", images="{{ photo }}", detail="low"), photo=png())
    assert detailed.digest != requests[0].digest
    assert parts(detailed)[0]["image_url"]["detail"] == "low"


def test_an_address_is_sent_as_it_is(photos: Path) -> None:
    step = stage(photos, prompt="p", images=["{{ photo }}"])
    assert urls(request_of(step, photo=HERE)) == [HERE]


def test_a_request_that_waits_holds_no_bytes_and_shows_its_pictures_in_words(photos: Path) -> None:
    (photos / "large.png").write_bytes(png() + bytes(5_000_000))
    request = request_of(stage(photos, prompt="p", images="{{ photo }}"), photo="large.png")
    assert len(request.body) < 400
    assert request.weight > 5_000_000
    shown = json.loads(request.body)["messages"][0]["content"][1]["image_url"]["url"]
    assert shown.startswith("<image/png, 5,000,0")
    assert len(request.sent) > 6_600_000
    assert size(request).input < 1_500  # and not a token for every four characters of base64
    assert size(request, exact=False).media > 1_000


def test_words_of_a_row_that_look_like_a_picture_are_words(photos: Path) -> None:
    step = stage(photos, prompt="{{ words }}", images="{{ photo }}")
    mark = json.loads(request_of(step, photo="b.png", words="x").body)["messages"][0]["content"][1]
    shown = mark["image_url"]["url"]
    for words in (shown, f'"{shown}"', f'"{shown}'.replace("<", "\\u003c"), '"\\u003c', "\\"):
        request = request_of(step, photo="b.png", words=words)
        assert json.loads(request.sent)["messages"][0]["content"][0]["text"] == words
        assert request.sent.count(b"base64") == 1


BAD: dict[str, tuple[Any, str]] = {
    "missing": ("photos/none.png", "a picture 'photos/none.png' does not exist"),
    "a folder": ("photos", "'photos' is a folder"),
    "a pipe": ("pipe.png", "is not a plain file"),
    "no picture": ("job.yaml", "is neither a picture"),
    "a recording": ("s.mp3", "is of the type audio/mp3"),
    "empty bytes": (b"", "is empty"),
    "other bytes": (b"%PDF", "is neither a picture"),
    "nothing": (None, "is missing; to leave such rows out"),
    "an empty text": ("", "is missing"),
    "a number": (5, "neither a text nor bytes"),
    "too large": (png() + bytes(4_000), "and 3,000 are the most"),
    "too large in base64": (data_url(png() + bytes(4_000)), "and 3,000 are the most"),
    "broken base64": ("data:image/png;base64,a*", "no valid base64"),
    "another scheme": ("file:///etc/passwd", "no address that servers know"),
    "a bucket": ("s3://a/b.png", "no address that servers know"),
    "an address with a space": ("https://x.example/a b.png", "is no address"),
    "a line in an address": ("https://x.example/\n", "is no address"),
    "too many": ([png()] * 101, "101 pictures and recordings"),
    "too large together": ([png() + bytes(1_400)] * 3, "pictures and recordings of"),
    "NUL": ("a\0b", "is no name of a file"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_sent_is_a_fault_of_its_row(
    photos: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MOST_BYTES", 3_000)
    os.mkfifo(photos / "pipe.png")
    value, words = BAD[name]
    provider = Provider()
    fault = await failed(stage(photos, prompt="p", images="{{ photo }}"), provider, photo=value)
    assert fault.kind == "template"
    assert words in fault.message
    assert len(fault.message) < 500
    assert not provider.requests


AUDIO = {"wav": "s.wav", "mp3": "s.mp3"}


@pytest.mark.parametrize("form", AUDIO)
def test_a_recording_is_sent_with_its_format(photos: Path, form: str) -> None:
    request = request_of(stage(photos, prompt="p", audio=["{{ sound }}"]), sound=AUDIO[form])
    address = data_url((photos / AUDIO[form]).read_bytes())
    sound = {"data": address.partition(",")[2], "format": form}
    assert parts(request) == [{"type": "input_audio", "input_audio": sound}]
    assert size(request).media > 0


def test_a_recording_has_no_other_address(photos: Path) -> None:
    with pytest.raises(Fault, match="the bytes of a recording only"):
        request_of(stage(photos, prompt="p", audio=["{{ sound }}"]), sound=HERE)
    with pytest.raises(Fault, match=r"a recording 'b\.png' is of the type image/png"):
        request_of(stage(photos, prompt="p", audio=["{{ sound }}"]), sound="b.png")


CHANGES: dict[str, Callable[[Path], object]] = {
    "changed while the run was under way": lambda file: file.write_bytes(png(seed=9)),
    "does not exist": Path.unlink,
}


@pytest.mark.parametrize("words", CHANGES)
def test_no_other_picture_is_sent_than_the_one_in_the_digest(photos: Path, words: str) -> None:
    request = request_of(stage(photos, prompt="p", images="{{ photo }}"), photo="b.png")
    CHANGES[words](photos / "b.png")
    with pytest.raises(Fault, match=words):
        _ = request.sent


def test_a_file_that_changes_is_read_anew(photos: Path) -> None:
    step = stage(photos, prompt="p", images="{{ photo }}")
    before = request_of(step, photo="b.png")
    (photos / "b.png").write_bytes(png(30, 30))
    assert request_of(step, photo="b.png").digest != before.digest


async def test_a_repair_sends_the_picture_again_with_the_turn_it_belongs_to(photos: Path) -> None:
    given = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]
    given += [{"role": "user", "content": "3"}]
    step = stage(photos, messages=given, images="{{ photo }}", checks={"contains": "tea"}, fresh_starts=1)
    provider = Provider([said("no"), said("no"), said("tea")])
    assert await taken(step, provider, photo="b.png") == "tea"
    for request in provider.requests:
        messages = json.loads(request.sent)["messages"]
        assert [isinstance(one["content"], list) for one in messages[:3]] == [False, False, True]
        assert messages[2]["content"][1]["image_url"]["url"] == data_url(png(seed=1))
        assert all(isinstance(one["content"], str) for one in messages[3:])


@pytest.mark.parametrize(
    ("api", "key", "words"),
    [("completions", "images", "takes no pictures"),
     ("completions", "audio", "takes no pictures and no sound"),
     ("responses", "audio", "takes no sound: use api: chat")],
)  # fmt: skip
def test_a_dialect_without_a_place_for_it_refuses_it(photos: Path, api: str, key: str, words: str) -> None:
    step = stage(photos, {"api": api}, prompt="p", **{key: "s.wav" if key == "audio" else "b.png"})
    with pytest.raises(Fault, match=words) as fault:
        request_of(step)
    assert fault.value.kind == "refused_by_provider"


def test_the_embedded_model_refuses_pictures(photos: Path) -> None:
    step = stage(photos, models={"m": {"provider": "embedded"}}, prompt="p", images="b.png")
    with pytest.raises(Fault, match="reads text only"):
        request_of(step)


def test_keys_of_pictures_are_checked(tmp_path: Path) -> None:
    for wrong in ({"images": 5}, {"images": [5]}, {"audio": {"a": "b"}}, {"images": "a", "detail": "huge"}):
        with pytest.raises(JobError, match=r"steps\.s"):
            stage(tmp_path, prompt="p", **wrong)
