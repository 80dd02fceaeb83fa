"""Settings that would be misunderstood are refused, with the word that was meant."""

from __future__ import annotations

import pytest

from pipeline.core.errors import JobError
from pipeline.job.load import load
from tests.support.project import Project


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("models.writer.params={model: other}", "the model's own key"),
        ("models.writer.params={stream: true}", "not streamed"),
        ("steps.post.params={n: 3}", "a request brings one answer"),
        ("models.wirter.model=x", "did you mean 'writer'?"),
    ],
)
def test_a_setting_that_would_be_misunderstood_is_refused(project: Project, change: str, what: str) -> None:
    with pytest.raises(JobError) as caught:
        load(project.job(), [change])
    assert what in str(caught.value)


def test_a_misspelt_key_is_named_before_the_one_that_is_missing(project: Project) -> None:
    file = project.job()
    file.write_text(file.read_text().replace("steps:", "stpes:"))
    with pytest.raises(JobError, match="unknown key 'stpes'") as caught:
        load(file)
    assert caught.value.hint == "did you mean 'steps'?"
