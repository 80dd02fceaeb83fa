"""The check of the addresses in an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checks import said

ROW = {"page": "https://www.shop.example/tea/", "post": {"seen": ["http://news.example/a"]}, "price": 3}
PROMPT = "Write about [tea](https://wiki.example/Tea). Mail to tea@shop.example."


@pytest.mark.parametrize(
    ("answer", "options", "good"),
    [
        ("no link", {"max": 0}, True),
        ("see https://a.example", {"max": 0}, False),
        ("[a](https://a.example) ![b](https://b.example/x.png)", {"max": 1}, False),
        ("https://a.example and https://a.example", {"max": 1}, True),
        ("see www.a.example", {"hosts": "b.example"}, False),
        ("see www.a.example.", {"hosts": ["b.example", "A.example"]}, True),
        ("https://x.a.example/p?q=1", {"hosts": "a.example"}, True),
        ("https://nota.example/", {"hosts": "a.example"}, False),
        ("https://a.example.evil.example/", {"hosts": "a.example"}, False),
        ("https://user@evil.example/", {"hosts": "a.example"}, False),
        ("[part](#part)", {"max": 0, "hosts": "a.example", "from": "record"}, True),
        ("https://[::1", {"hosts": "a.example"}, False),
        ("茶见https://shop.example/tea。", {"from": "record"}, True),
        ("(https://www.shop.example/tea)", {"from": "record"}, True),
        ("http://news.example/a, tea@shop.example", {"from": "record"}, True),
        ("https://wiki.example/tea", {"from": "record"}, True),
        ("https://wiki.example/Tee", {"from": "record"}, False),
        ("https://shop.example/tea/2", {"from": "record"}, False),
        ("other@shop.example", {"from": "record"}, False),
        ('<a href="https://made.up/">tea</a>', {"from": "record"}, False),
    ],
)
def test_addresses_are_allowed_counted_and_known(answer: str, options: dict[str, Any], good: bool) -> None:
    assert (said("links", answer, options, ROW, PROMPT) is None) == good


def test_the_complaint_names_the_address() -> None:
    assert said("links", "https://made.up/x", {"from": "record"}, ROW) == (
        "Your answer has an address that you were not given: https://made.up/x. "
        "Use only addresses that you were given."
    )
    assert said("links", "https://made.up/x", {"hosts": "a.example"}) == (
        "Your answer links to https://made.up/x; it may link only to a.example. Leave it out."
    )
