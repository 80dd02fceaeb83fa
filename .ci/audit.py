"""What is installed beside the program: a bill of materials, and whether anything in it should not be there.

Usage: audit.py VENV SBOM, with the Python of a virtual environment that holds requirements-audit.lock.
Writes SBOM (CycloneDX, JSON) for VENV, then checks: what is installed is what the lock files pin, every pin
has a hash, every licence is one that the project may use, no file runs code at every start of Python, and,
where the data can be had, no version has a known vulnerability. Ends with 1 where one of these does not hold.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCKS = [ROOT / f"requirements{name}.lock" for name in ("", "-model", "-audit")]
LICENCES = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC", "MIT"),
    *("MPL-2.0", "PSF-2.0", "Python-2.0", "Zlib"),
    "License :: OSI Approved :: Apache Software License",
    "License :: OSI Approved :: BSD License",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
}
READ = {"protobuf": "BSD-3-Clause", "pyromark": "MIT"}
"""licences that stand in a file of the package alone, where a person has read them"""
BESIDE = {"pip", "setuptools"}
"""what `python -m venv` puts there itself"""
STARTERS = {
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();",
}
"""lines that run at every start of Python and are known"""


def bill_of(venv: Path) -> dict[str, Any]:
    """The bill of materials of what is installed; tools for development are in it with scope "excluded"."""
    words = ["environment", str(venv), "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
    done = subprocess.run([_tool("cyclonedx-py"), *words], capture_output=True, check=True)  # noqa: S603
    bill: dict[str, Any] = json.loads(done.stdout)
    weights = pins_of(LOCKS[1].read_text())
    (site,) = venv.glob("lib/python3*/site-packages")
    product = product_in(site) | weights.keys()
    for part in bill["components"]:
        if _plain(part["name"]) not in product:
            part["scope"] = "excluded"
    return bill


def product_in(site: Path) -> set[str]:
    """The names of what the program needs with all its extras, of what a site-packages folder holds."""
    installed = {_plain(found.name): found for found in distributions(path=[str(site)])}
    product, next_ones = set[str](), [Requirement("pipeline-replay[embedded,translate,excel,lemma,metrics]")]
    seen = set[tuple[str, frozenset[str]]]()
    while next_ones:
        wanted = next_ones.pop()
        name, extras = _plain(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen or name not in installed:
            continue
        seen.add((name, extras))
        product.add(name)
        for requirement in map(Requirement, installed[name].requires or []):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
                next_ones.append(requirement)
    return product


def pins_of(lock: str) -> dict[str, tuple[str, int]]:
    """name -> (version, number of hashes) of a lock file; of several, that for this Python and system."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", "\n" + re.sub(r"(?m)^\s*#.*\n", "", lock))
    pins = [(re.match(r"\s*([\w.-]+)==([\w.!+-]+)(?: *;([^\\\n]*))?", block), block) for block in blocks]
    found: dict[str, tuple[str, int]] = {}
    for at, block in pins:
        if at and (_plain(at[1]) not in found or not at[3] or Marker(at[3].strip()).evaluate()):
            found[_plain(at[1])] = (at[2], block.count("--hash=sha256:"))
    return found


def without_hash(lock: str) -> Iterator[str]:
    """Pins of a lock file that any file would do for."""
    for name, (version, hashes) in pins_of(lock).items():
        if not hashes:
            yield f"{name} {version} is pinned without a hash"


def wrong_pins(bill: dict[str, Any], locks: Iterable[str]) -> Iterator[str]:
    """What is installed and not pinned, or otherwise than pinned."""
    pins = {name: pin for lock in locks for name, pin in pins_of(lock).items()}
    for part in bill["components"]:
        name, version = _plain(part["name"]), part["version"]
        if name in BESIDE:
            continue
        if name not in pins:
            yield f"{name} {version} is installed and no lock file pins it"
        elif pins[name][0] != version:
            yield f"{name} {version} is installed, {pins[name][0]} is pinned"


def wrong_licences(bill: dict[str, Any]) -> Iterator[str]:
    """Parts whose licence is unknown, or not one that the project may use."""
    for part in bill["components"]:
        said = [_licence(entry) for entry in part.get("licenses", [])] or [READ.get(_plain(part["name"]), "")]
        if not any(map(permitted, said)):
            yield f"{part['name']} {part['version']} has the licence {' / '.join(said) or '(none is told)'}"


def _licence(entry: dict[str, Any]) -> str:
    licence = entry.get("license", {})
    return str(entry.get("expression") or licence.get("id") or licence.get("name") or "")


def permitted(expression: str) -> bool:
    """Whether an SPDX expression can be met with permitted licences alone."""
    while (flat := re.sub(r"\(([^()]*)\)", lambda group: _met(group[1]), expression)) != expression:
        if expression in LICENCES:
            break
        expression = flat
    return expression in LICENCES or _met(expression) == "MIT"


def _met(flat: str) -> str:
    """Stands for an expression without parentheses: MIT where it is met."""
    parts = [part.split(" AND ") for part in flat.split(" OR ")]
    met = any(all(term.partition(" WITH ")[0].strip() in LICENCES for term in terms) for terms in parts)
    return "MIT" if met else "none"


def starters(site: Path) -> Iterator[str]:
    """Files of a site-packages folder that run code at every start of Python, or bring in another folder."""
    for name in ("sitecustomize.py", "usercustomize.py"):
        if (site / name).exists():
            yield f"{site / name} runs at every start of Python"
    for file in sorted(site.glob("*.pth")):
        for line in filter(None, map(str.strip, file.read_text(errors="replace").splitlines())):
            if line.startswith("#") or line in STARTERS or Path(line) == ROOT:
                continue
            what = "runs" if re.match(r"import\b", line) else "brings in"
            yield f"{file} {what}: {line[:80]!r}"


def vulnerable() -> tuple[list[str], int, int]:
    """Versions with a known vulnerability, how many pins could be looked up, and of how many."""
    words = ["--disable-pip", "--progress-spinner=off", "--timeout=10", "-f", "json"]
    files = [word for lock in LOCKS for word in ("-r", str(lock))]
    done = subprocess.run([_tool("pip-audit"), *words, *files], capture_output=True, text=True, check=False)  # noqa: S603
    return vulnerable_in(done.stdout)


def vulnerable_in(report: str) -> tuple[list[str], int, int]:
    """The same, from what pip-audit printed."""
    try:
        parts = json.loads(report)["dependencies"]
    except ValueError:
        pins = {(name, pin[0]) for lock in LOCKS for name, pin in pins_of(lock.read_text()).items()}
        return [], 0, len(pins)
    known = [part for part in parts if "skip_reason" not in part]
    found = [f"{p['name']} {p['version']} has {v['id']}" for p in known for v in p["vulns"]]
    return found, len(known), len(parts)


def said_of_lookup(looked_up: int, pins: int) -> str:
    """How far the known vulnerabilities could be looked up."""
    if not looked_up:
        return "known vulnerabilities: NOT looked up (no data to be had here)"
    whose = f"the {pins} versions that the {len(LOCKS)} lock files pin (program, weights, audit tools)"
    return f"known vulnerabilities: looked up for {looked_up} of {whose}"


def verdict(wrong: int, looked_up: int, pins: int) -> str:
    """The last line: what is wrong, and of what nothing is known."""
    some = f"looked up for {looked_up} of {pins} versions alone" if looked_up else "not looked up"
    unknown = f"known vulnerabilities were {some}" if looked_up < pins else ""
    if wrong:
        said = f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong"
    else:
        said = "pins, hashes, licences and start-up files are fine" if unknown else "nothing is wrong"
    return "audit: " + "; ".join(filter(None, [said, unknown]))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def main(venv: Path, sbom: Path) -> int:
    """Write the bill of materials, print what is wrong; 1 where something is."""
    bill = bill_of(venv)
    sbom.write_text(json.dumps(bill, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    product = sum(part.get("scope") != "excluded" for part in bill["components"])
    print(f"{sbom}: {product} parts of the product, {len(bill['components']) - product} for development")
    (site,) = venv.glob("lib/python3*/site-packages")
    found, looked_up, pins = vulnerable()
    locks = [lock.read_text() for lock in LOCKS]
    wrong = [
        *(line for lock in locks for line in without_hash(lock)),
        *wrong_pins(bill, locks[:2]),
        *wrong_licences(bill),
        *starters(site),
        *found,
    ]
    print(said_of_lookup(looked_up, pins))
    for line in wrong:
        print(f"wrong: {line}")
    print(verdict(len(wrong), looked_up, pins))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
