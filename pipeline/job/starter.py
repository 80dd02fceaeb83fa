"""A commented job to start from, which runs as it is: on the embedded model, without a key."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.core.errors import JobError

_SCHEMA = Path(__file__).parents[1] / "job.schema.json"
_JOB = """\
# yaml-language-server: $schema={schema}
# Run it:            pipeline run {file}
# What it would ask: pipeline plan {file}
# On a real API:     OPENAI_API_KEY=… pipeline run {file} --set steps.slogan.model=cloud
name: {name}                    # state and results live in output/{name}/
records:
  from: {records}               # csv, tsv, parquet, jsonl, xlsx; relative to this file
  key: id                       # the column(s) that identify a record
  # where: "price > 10"         # SQL over the columns
  # limit: 2                    # only the first records
models:
  small:
    provider: embedded          # a real small model on this machine, no key needed
    params: {{temperature: 0.5, max_tokens: 60, seed: 1}}
  cloud:
    provider: openai            # or any compatible endpoint, with base_url
    model: gpt-5-mini
    params: {{reasoning_effort: minimal, max_completion_tokens: 200}}
    # limits: {{rpm: 500, tpm: 200000}}   # not needed: the run finds them
steps:
  - name: slogan
    model: small
    system: You write short, friendly slogans. Answer with one sentence.
    prompt: "Write one slogan for {{{{ product }}}}, which is {{{{ about }}}}."
    allow: [length]             # keep an answer that is cut off; without this, its row fails
    # answer: {{json: {{text: string, tags: [string]}}}}    # fields become columns
    # checks: {{length: {{max: 200}}}}
# budget: {{cost: 2.00}}         # dollars, in all runs together; no request is sent that could exceed it
output:
  to: output/{name}/{name}.csv   # or .parquet, .jsonl, .xlsx; a list writes several files
"""
_RECORDS = """\
id,product,about,price
tea,green tea,picked by hand in spring,12
lamp,a desk lamp,made of recycled glass,49
mug,a travel mug,warm for six hours,19
"""


def write(file: Path) -> list[Path]:
    """Write the job and its records; `JobError` where a file is there already. Returns what was written."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-.") or "job"
    records = file.with_name(f"{name}-records.csv")
    text = _JOB.format(schema=_SCHEMA, file=file, name=name, records=records.name)
    written = []
    for path, content in ((file, text), (records, _RECORDS)):
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(content)
        except FileExistsError:
            raise JobError("is there already, and is not overwritten", where=str(path)) from None
        except OSError as error:
            raise JobError(f"cannot be written: {error.strerror}", where=str(path)) from None
        written.append(path)
    return written
