"""What a server says is cut only after a key has been taken out of it; a page is known by its first words."""

from __future__ import annotations

import pytest

from pipeline.wire.faults import _LONGEST_MESSAGE, is_page, scrub

KEY = "sk-proj-abcDEF123456ghiJKL"


@pytest.mark.parametrize("before", range(_LONGEST_MESSAGE - len(KEY) - 1, _LONGEST_MESSAGE + 1))
def test_a_key_across_the_end_of_a_message_is_taken_out_whole(before: int) -> None:
    said = scrub("x" * (before - 1) + " " + KEY + " and more words")
    assert len(said) <= _LONGEST_MESSAGE
    assert "sk" not in said


@pytest.mark.parametrize(
    "start", ["<!DOCTYPE html>", "<html lang=en>", "<head><title>", "\ufeff<HTML>", "\r\n  <Head>"]
)
def test_a_page_is_known_by_its_first_words(start: str) -> None:
    assert is_page(f"{start}Sign in".encode())


@pytest.mark.parametrize("body", ['{"a": "<html>"}', "", "<xml>", "no <html>"])
def test_what_only_speaks_of_a_page_is_none(body: str) -> None:
    assert not is_page(body.encode())
