"""The check that a post fits its platform."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.support.checks import said

FAMILY = "👩‍👩‍👧‍👦"
LINK = "https://example.com/" + "a" * 100


LINKS = " ".join(f"https://a{i}.example" for i in range(5))


@pytest.mark.parametrize(
    ("platform", "longest", "more"),
    [
        ("bluesky", "x" * 300, "x"),
        ("bluesky", FAMILY * 120, "x"),
        ("instagram", "茶" * 2200, "茶"),
        ("instagram", "#a #b #c #d #e", "#f "),
        ("linkedin", "x" * 3000, "x"),
        ("linkedin", "😀" * 1500, "x"),
        ("mastodon", "x" * 476 + " " + LINK, "x"),
        ("mastodon", "茶" * 500, "x"),
        ("threads", "x" * 496 + "😀", "x"),
        ("threads", LINKS, "https://b.example "),
        ("x", "x" * 280, "x"),
        ("x", "茶" * 140, "x"),
        ("x", FAMILY * 140, "x"),
        ("X", "x" * 256 + " " + LINK, "x"),
    ],
)
def test_the_longest_post_passes_and_a_longer_one_does_not(platform: str, longest: str, more: str) -> None:
    assert said("platform", longest, platform) is None
    assert str(said("platform", more + longest, platform)).startswith("Your answer has ")


@pytest.mark.parametrize(
    "post",
    [
        "**Tea** is good",
        "# Tea\n\nis good",
        "[tea](https://a.example)",
        "__Green tea__ is good",
        "| Tea | Price |\n| --- | ---: |\n| green | 4 |",
        "Tea:\n|a|b|\n|-|-|\n|1|2|",
    ],
)
def test_a_post_has_no_markdown(post: str) -> None:
    assert str(said("platform", post, "linkedin")).endswith("Write it again, without Markdown.")


@pytest.mark.parametrize(
    "post",
    ["#tea is good", "5 * 3 * 2 ** 4", "[sic] (really)", "- one\n- two", "a __init__ b", "a || b |- c"],
)
def test_signs_that_are_no_markdown_pass(post: str) -> None:
    assert said("platform", post, "linkedin") is None


def test_the_complaint_says_by_how_much() -> None:
    assert said("platform", "x" * 310, "bluesky") == (
        "Your answer has 310 characters; a post at bluesky may have at most 300. "
        "Shorten it by about 25 characters."
    )


def test_another_platform_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValidationError, match="known: bluesky, instagram"):
        said("platform", "x", "myspace")
