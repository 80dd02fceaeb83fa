"""What a picture or a recording is: by its first bytes alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.system import media
from pipeline.system.media import Unfit, content_of, decoded, kind_of
from tests.support.pictures import MP3, data_url, gif, jpeg, png, wav, webp

PICTURES = {
    "png": (png(640, 480), "image/png"),
    "gif": (gif(640, 480), "image/gif"),
    "jpeg": (jpeg(640, 480), "image/jpeg"),
    **{form.decode(): (webp(form, 640, 480), "image/webp") for form in (b"VP8 ", b"VP8L", b"VP8X")},
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_known_with_its_size(name: str) -> None:
    data, kind = PICTURES[name]
    assert (kind_of(data).name, kind_of(data).pixels) == (kind, (640, 480))


@pytest.mark.parametrize(
    ("data", "kind", "least", "most"),
    [(wav(3), "audio/wav", 3, 3.1), (wav(2, 44100), "audio/wav", 2, 2.1), (MP3, "audio/mp3", 0.026, 1),
     (b"ID3\x03" + MP3, "audio/mp3", 0.026, 1)],
)  # fmt: skip
def test_a_recording_is_known_and_never_thought_shorter(
    data: bytes, kind: str, least: float, most: float
) -> None:
    assert kind_of(data).name == kind
    assert least <= kind_of(data).seconds <= most


@pytest.mark.parametrize(
    "data",
    [b"", b"%PDF-1.7", b"<svg/>", b"BM" + bytes(50), b"RIFF\0\0\0\0AVI ", b"hello", b"\xff", b"\xff\xf1AAC"],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Unfit):
        kind_of(data)


@given(st.sampled_from([*(data for data, _ in PICTURES.values()), wav(), MP3]), st.data())
def test_a_damaged_head_is_refused_or_known(whole: bytes, draw: st.DataObject) -> None:
    data = bytearray(whole[: draw.draw(st.integers(0, 80))])
    for place in draw.draw(st.lists(st.integers(0, 79), max_size=8)):
        if place < len(data):
            data[place] = draw.draw(st.integers(0, 255))
    try:
        found = kind_of(bytes(data))
    except Unfit:
        return
    assert min(found.pixels) >= 0
    assert found.seconds >= 0


def test_a_file_is_read_whole_and_what_is_none_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    assert content_of(tmp_path / "a.png") == png()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("/dev/zero")
    (tmp_path / "large.png").write_bytes(png() + bytes(2_000))
    monkeypatch.setattr(media, "MOST_BYTES", 1_000)
    for name, said in {
        "none.png": "does not exist",
        "pipe.png": "not a plain file",
        "link.png": "not a plain file",
        ".": "is a folder",
        "large.png": "and 1,000 are the most",
        "a\0b": "is no name of a file",
        "a.png/b": "cannot be read: Not a directory",
        "x" * 300: "cannot be read: File name too long",
    }.items():
        with pytest.raises(Unfit, match=said):
            content_of(tmp_path / name)


@pytest.mark.parametrize(
    "url",
    ["data:image/png;base64,", data_url(png()), data_url(png(), "image/png;charset=x"), data_url(png(), "")],
)
def test_an_address_with_its_own_bytes_is_decoded(url: str) -> None:
    assert decoded(url) in (png(), b"")


@pytest.mark.parametrize(
    "url", ["data:", "data:image/png,abc", "data:image/png;base64,a*b=", "data:" + ";" * 10_000]
)
def test_an_address_without_bytes_is_refused(url: str) -> None:
    with pytest.raises(Unfit):
        decoded(url)
