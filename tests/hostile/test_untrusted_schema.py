"""A schema of a stranger's job has no reference of any kind, however deep it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stranger import changed, refused

REFERENCES = {
    "$ref": "{$ref: '#/$defs/a'}",
    "$dynamicRef": "{$dynamicRef: '#a'}",
    "$recursiveRef": "{$recursiveRef: '#'}",
}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("around", ["{}", "{{type: array, items: {}}}", "{{anyOf: [{{type: string}}, {}]}}"])
def test_no_kind_of_reference_is_allowed(name: str, around: str, tmp_path: Path) -> None:
    inner = around.format(REFERENCES[name])
    definitions = "$defs: {a: {$dynamicAnchor: a, type: string}}"
    shape = f"{{json: {{type: object, properties: {{a: {inner}}}, {definitions}}}}}"
    assert "references are not allowed in a schema" in refused(
        tmp_path, changed("{json: {a: string}}", shape)
    )
