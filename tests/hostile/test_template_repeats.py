"""A template gives one text in all processes, or an error: nothing with an identity gets into a prompt."""

from __future__ import annotations

import pytest

from pipeline.templates.compiled import Compiled, Malformed, Unfit
from tests.support.project import Project
from tests.support.template_outcomes import MADE, VALUES, assert_repeatable


def test_any_filter_or_test_over_any_value_gives_the_same_text_in_two_processes() -> None:
    assert_repeatable(seed=7, most=600)


@pytest.mark.parametrize(
    "expression", [*MADE[:6], "[words|map('upper')]", "s ~ (words|select)", "none_ or words|map('upper')"]
)
def test_what_gives_values_one_by_one_is_refused_with_a_hint(expression: str) -> None:
    try:
        Compiled("\nx {{ " + expression + " }}").render(VALUES)
    except (Malformed, Unfit) as error:
        assert 2 in error.args
        assert "write |list or |join(', ')" in str(error.args)
    else:
        pytest.fail("it gives a text")


@pytest.mark.parametrize(
    "extra", [(), ("--untrusted", "--allow-host", "example.org", "--allow-key", "TEST_KEY")]
)
def test_check_names_the_place_and_what_to_write(project: Project, extra: tuple[str, ...]) -> None:
    prompt = "ROW {{ title }}:\n  {{ title|map('upper') }}"
    project.job("https://example.org/v1", steps=[{"name": "post", "prompt": prompt}])
    done = project.run("check", "job.yaml", *extra)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "job.yaml:" in done.stderr
    assert "what |map gives is not a text" in done.stderr
    assert "|join(', ')" in done.stderr


def test_check_finds_what_only_a_record_shows(project: Project) -> None:
    project.job(steps=[{"name": "post", "prompt": "{{ title|list|reverse }}"}])
    done = project.run("check", "job.yaml")
    assert done.returncode == 3
    assert "what |reverse gives is not a text: write |list or |join(', ') after it" in done.stderr
