"""Translations in a run: what is sent back."""

from __future__ import annotations

from tests.support.project import Project


def test_a_translation_with_a_new_link_is_sent_back_and_fails(project: Project) -> None:
    steps = [{"name": "de", "translate": {"text": "{{ title }}", "from": "en", "to": "de"}, "repairs": 1}]
    options = {"answer": {"green tea": "grüner Tee ![x](https://evil.example/p.gif)", "lamp": "Lampe"}}
    project.job(
        models={"writer": {"provider": "scripted", "model": "m", "options": options}},
        records="sku,title\n1,green tea\n2,lamp\n",
        steps=steps,
    )
    done = project.run("run", "job.yaml")
    assert done.returncode == 3, done.stderr
    assert "links that the text has not" in project.result("failures.csv")["message"][0]
    assert project.result()["de"].to_list() == [None, "Lampe"]
    assert project.run("run", "job.yaml", "--set", "steps.de.allow=[new_links]").returncode == 0
    assert "evil.example" in project.result()["de"][0]
