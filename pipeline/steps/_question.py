"""What a step asks a model: a prompt, or whole messages, with pictures and recordings.

This module does not know answers, nor how a question is sent.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from pipeline.answers.asking import Templates
from pipeline.core.domain import Fault, Media, Values
from pipeline.job.fields import Template as TemplateText
from pipeline.job.fields import Texts
from pipeline.job.spec import Step
from pipeline.steps._media import Attached, check_all
from pipeline.steps._messages import Dialogue, Messages, Turns
from pipeline.templates.template import Template

_HOW = "a path relative to the job file, an http(s) or data: address, or a column of bytes"


class Asks(Step):
    """A step that asks a model."""

    system: TemplateText | None = Field(None, description="a template for the system message")
    prompt: TemplateText | None = Field(None, description="a template for the user message")
    prompt_file: str | None = Field(
        None, description="the same in a file of its own, relative to the job file"
    )
    messages: Messages | None = Field(
        None,
        description="whole turns in place of a prompt: a list of {role, content}, each content a template, or"
        ' one template for a list or for JSON text: "{{ dialogue }}"; the last one is of the user',
    )
    images: Texts = Field(
        (),
        description=f"pictures (png, jpeg, gif, webp) for the last message, each a template for {_HOW};"
        " a list in a column gives several",
    )
    audio: Texts = Field(
        (), description="recordings (wav, mp3) for the last message, as images; no http(s) address"
    )
    detail: Literal["", "low", "high", "auto", "original"] = Field(
        "", description="how closely the model looks at pictures; default: what the server does by itself"
    )

    @model_validator(mode="after")
    def _one_question(self) -> Asks:
        if sum(one is not None for one in (self.prompt, self.prompt_file, self.messages)) != 1:
            raise ValueError(
                "a step has either `prompt`, `prompt_file` or `messages`; write one of the three"
            )
        given = self.messages if isinstance(self.messages, tuple) else ()
        if self.system and given and given[0].role == "system":
            raise ValueError("has both `system` and a system message in `messages`; leave one of them out")
        if self.detail and not self.images:
            raise ValueError("has `detail`, which is for pictures, and no `images`; leave it out")
        return self


class Question:
    """What is asked for each row. `templates` has its templates by the key of the job file."""

    def __init__(self, spec: Any, template: Templates) -> None:
        self.templates: dict[str, Template] = {}
        self._dialogue = None if spec.messages is None else Dialogue(spec.messages, template.at)
        self._prompt = self._system = None
        if self._dialogue:
            self.templates |= self._dialogue.templates
        else:
            name = "prompt_file" if spec.prompt_file else "prompt"
            self._prompt = self.templates[name] = template(name)
        if spec.system:
            self._system = self.templates["system"] = template("system")
        self._attached = []
        for key, written in (("images", spec.images), ("audio", spec.audio)):
            found = {f"{key}.{place}": template.at(key, place) for place in range(len(written))}
            for one in found.values():
                one.native = True
            self.templates |= found
            how = {"untrusted": template.untrusted, "detail": spec.detail}
            self._attached.append(Attached(key, list(found.values()), template.folder, **how))

    def of(self, values: Values) -> tuple[str, Turns, tuple[Media, ...]]:
        """The system text, the turns, and what belongs to the last of them."""
        system = self._system.render(values) if self._system else ""
        if self._prompt:
            turns: Turns = (("user", self._prompt.render(values)),)
        else:
            assert self._dialogue is not None  # noqa: S101 - there is either
            said, turns = self._dialogue.of(values)
            if said and system:
                raise Fault("template", "the step has `system`, and this row a system message: leave one out")
            system = system or said
        media = tuple(one for attached in self._attached for one in attached.of(values))
        check_all(media)
        return system, turns, media
