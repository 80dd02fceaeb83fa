"""Which site generator builds pages of a folder, if it lets a heading name its own anchor: `{#install}`.

This module does not read the documents.
"""

from __future__ import annotations

from pathlib import Path

_MARKS = {
    "docusaurus": ("docusaurus.config.js", "docusaurus.config.ts", "docusaurus.config.mjs"),
    "hugo": ("hugo.toml", "hugo.yaml", "config/_default/hugo.toml"),
    "jekyll": ("_config.yml",),
    "mdbook": ("book.toml",),
    "mkdocs": ("mkdocs.yml", "mkdocs.yaml"),
    "vitepress": (".vitepress", "docs/.vitepress"),
}
_ABOVE = 4  # folders above the documents that are looked at
_NEEDED = {"mkdocs": "attr_list"}
"""what must stand in the file, because the generator does not know that form without it"""


def site_of(folder: Path) -> str:
    """The generator found in a folder or above it; '' where there is none that knows such anchors."""
    for place in (folder, *folder.parents[:_ABOVE]):
        for name, marks in _MARKS.items():
            for mark in marks:
                if (place / mark).exists() and _knows(name, place / mark):
                    return name
        if (place / ".git").exists():
            break
    return ""


def _knows(name: str, mark: Path) -> bool:
    needed = _NEEDED.get(name)
    try:
        return needed is None or needed in mark.read_text("utf-8", errors="replace")
    except OSError:
        return False
