"""The JSON Schema of the job file, made from the models that read it."""

from __future__ import annotations

import json

from pipeline.job.load import job_model


def schema_text() -> str:
    """The schema as it is kept in the package, in `pipeline/job.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **job_model().model_json_schema()}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
