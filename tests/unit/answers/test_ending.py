"""The mark that an answer must end with."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.answers.complaints import to_a_person
from pipeline.answers.ending import Ending
from pipeline.core.domain import Rejected
from tests.support.fakes import Provider, said
from tests.support.job_text import changed, refused
from tests.support.stages import stage, taken

END = {"prompt": "Write.", "end": "[END]"}
ENDING = Ending("[END]")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("A text.\n\n[END]", "A text."),
        ("A text. [END]", "A text."),
        ("A text.[END].", "A text."),
        ("A text.\n**[END]**\n", "A text."),
        ("A text.\n`[END]`", "A text."),
        ("A **bold** text, **bold to its end**\n[END]", "A **bold** text, **bold to its end**"),
        ("```\ncode\n[END]\n```", "```\ncode\n```"),
        ("```\ncode\n```\n```\n[END]\n```", "```\ncode\n```"),
        ("A text.\n\n**All of it. [END]**", "A text.\n\n**All of it.**"),
        ("*All of it.\n\n[END]*.", "*All of it.*"),
        ("A text.\n\n- one\n- two\n\n[END] \n ", "A text.\n\n- one\n- two"),
    ],
)
def test_the_mark_is_cut_off(text: str, left: str) -> None:
    assert ENDING.cut(text) == (left, "") and ENDING.bare(text) == left


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("A text", "does not end with [END]"),
        ("A text [EN", "does not end with [END]"),
        ("A text [end]", "does not end with [END]"),
        ("A text [END]\n(Words: 120)", "does not end with [END]"),
        ("", "does not end with [END]"),
        ("One. [END]\n\nTwo. [END]", "has [END] before its end"),
        ("[END]", "has nothing before [END]"),
        ("**[END]**", "has nothing before [END]"),
        ("[END]```", "has nothing before [END]"),
        ("*_`" * 300_000, "does not end with [END]"),
        ("[END]" * 200_000, "has [END] before its end"),
    ],
)
def test_what_does_not_end_with_it_is_not_finished(text: str, what: str) -> None:
    body, complaint = ENDING.cut(text)
    assert body == "" and complaint.startswith(f"Your answer {what}")
    assert complaint.endswith(" Write it again, complete, and end it with [END].")
    assert to_a_person(complaint).startswith(f"the answer {what}") and "again" not in to_a_person(complaint)
    assert ENDING.bare(text) == text


async def test_the_model_is_told_and_the_checks_do_not_see_it(tmp_path: Path) -> None:
    provider = Provider([said("123456\n[END]")])
    of = stage(tmp_path, **END, checks={"length": {"max": 6}})
    assert await taken(of, provider) == "123456"
    asked = provider.bodies[0]["messages"][-1]["content"]
    assert asked == "Write.\n\nWhen your answer is complete, end it with [END] and write nothing after it."
    assert of.runner.first_request({}, "1") == provider.requests[0]


async def test_an_answer_without_it_is_asked_for_again(tmp_path: Path) -> None:
    provider = Provider([said("Half"), said("Half again"), said("Whole. [END]")])
    assert await taken(stage(tmp_path, **END, repairs=2), provider) == "Whole."
    turns = [one["content"] for one in provider.bodies[-1]["messages"]]
    assert len(turns) == 5 and turns[1:4:2] == ["Half", "Half again"]
    assert turns[2] == turns[4] and turns[2].startswith("Your answer does not end with [END]")


async def test_what_is_cut_off_is_continued_to_its_mark(tmp_path: Path) -> None:
    provider = Provider([said("One, tw", "length"), said("o, three. [END]")])
    assert await taken(stage(tmp_path, **END, continuations=1), provider) == "One, two, three."


async def test_a_repair_may_be_continued_too_and_the_conversation_stays_right(tmp_path: Path) -> None:
    script = [said("Too long by far, and cut o", "length"), said("ff.\n[END]"), said("Short.\n[END]")]
    provider = Provider(script)
    of = stage(tmp_path, **END, continuations=1, checks={"length": {"max": 10}})
    assert await taken(of, provider) == "Short."
    roles = [one["role"] for one in provider.bodies[-1]["messages"]]
    turns = [one["content"] for one in provider.bodies[-1]["messages"]]
    assert roles == ["user", "assistant", "user"] and turns[1] == "Too long by far, and cut off.\n[END]"


async def test_the_best_attempt_is_shown_without_it(tmp_path: Path) -> None:
    of = stage(tmp_path, **END, checks={"length": {"min": 9}})
    with pytest.raises(Rejected) as fault:
        await taken(of, Provider([said("Short. [END]"), said("Shorter")]))
    assert fault.value.best in ("Short.", "Shorter")


@pytest.mark.parametrize("end", ["E", "ab", "a" * 41, "a\nb", " [END]", "{{ mark }}", ""])
def test_a_mark_is_a_short_text_of_its_own(end: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"job\.yaml:.*must be 3 to 40 characters in one line"):
        stage(tmp_path, prompt="Write.", end=end)


def test_an_answer_in_json_has_no_mark(tmp_path: Path) -> None:
    said_of = refused(
        tmp_path,
        changed("    answer: {json: {a: string}}", '    answer: {json: {a: string}}\n    end: "[END]"'),
    )
    assert "`end` is for answers in text" in said_of
