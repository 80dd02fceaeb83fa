"""Puts the name of a model into the job file, and leaves every other character of it as it is.

Where that is not simple and sure, nothing is changed. This module does not know where the name comes from.
"""

from __future__ import annotations

import json
import os
import stat
from copy import deepcopy
from pathlib import Path

from pipeline.core.errors import PipelineError
from pipeline.job.spec import Job
from pipeline.job.yaml_source import parse
from pipeline.system.files import replace_file, writing


def write_model(job: Job, name: str, model: str) -> str:
    """Why the name was not written, '' where it was; raises `DiskError`.

    It takes the place of `models.<name>.model`; `name` is that of the job's model.
    """
    at = ("models", name, "model")
    if any(at[:length] in job.text.changes for length in range(1, 4)):
        return "the model was set with --set"
    file = Path(os.path.realpath(job.file))
    try:
        text = file.read_bytes().decode()
        source = parse(text, str(file))
    except (OSError, UnicodeDecodeError, PipelineError):
        return "the job file cannot be read any more"
    spot = source.spots.get(at)
    if spot is None or "\n" in text[spot.start : spot.end]:
        return "the job file has no such line"
    changed = f"{text[: spot.start]}{json.dumps(model)}{text[spot.end :]}"
    expected = deepcopy(source.data)
    expected["models"][name]["model"] = model
    try:
        if parse(changed, str(file)).data != expected:
            return "the same text of the job file means something else, too"
    except PipelineError:
        return "the line cannot be replaced"
    with writing(file):
        rights = stat.S_IMODE(file.stat().st_mode)
    replace_file(file, [changed.encode()], rights)
    return ""
