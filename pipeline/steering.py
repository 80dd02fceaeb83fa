"""What may be done to a live run: paused, resumed, stopped, given other limits, asked how it stands.

This module does not know how the words come in (`control.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from pipeline import yaml_text
from pipeline.domain import DOLLAR
from pipeline.errors import JobError, nearest
from pipeline.job import Budget, Limits
from pipeline.mistakes import mistake
from pipeline.tally import counted, dollars
from pipeline.yaml_text import YamlText

if TYPE_CHECKING:
    from pipeline.running import Run

LIVE = ("rpm", "tpm", "rpd", "concurrency")
MONEY = ("cost", "tokens", "requests", "maybe_billed")
_CAN = f"models.<name>.limits.{{{','.join(LIVE)}}}, budget.{{{','.join(MONEY)}}}"
Changed = TypeVar("Changed", Budget, Limits)


class Steering:
    """One run's wheel."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def status(self) -> dict[str, Any]:
        """How the run stands, in numbers."""
        return self._run.numbers()

    def pause(self) -> str:
        """Send nothing new; what is under way is seen to its end."""
        self._hold(True)
        return f"paused; {counted(self._run.tally.in_flight, 'request')} under way come to their end"

    def resume(self) -> str:
        """Go on."""
        self._hold(False)
        return "going on"

    def _hold(self, paused: bool) -> None:
        run = self._run
        assert run.shared is not None  # noqa: S101 - the wheel is there while the run asks
        if run.fuse.reason is not None:
            raise JobError("the run is stopping")
        run.shared.pause.paused = paused
        run.tally.notice = "paused" if paused else ""
        run.events.info("run.paused" if paused else "run.resumed")
        run.shared.pump()

    def stop(self) -> str:
        """End the run as an interrupt would."""
        self._run.interrupted("ctl stop", again="")
        return "the run ends; what is under way comes to its end, and the same command goes on later"

    def set(self, changes: Sequence[tuple[str, str]]) -> str:
        """Change each `models.<name>.limits.<key>` or `budget.<key>`, or none; the job file stays."""
        run = self._run
        assert run.shared is not None  # noqa: S101
        purse = run.shared.purse
        budget, limits, values = purse.budget, dict[str, Limits](), dict[str, Any]()
        for path, value in changes:
            values[path] = parsed = yaml_text.parse(value, path).data
            match path.split("."):
                case "budget", key:
                    budget = self._budget(budget, key, parsed)
                case "models", name, "limits", key:
                    limits[name] = self._limits(limits, name, key, parsed)
                case _:
                    raise JobError(f"'{path}' cannot be set in a live run", hint=f"these can: {_CAN}")
        purse.budget = budget
        for name, changed in limits.items():
            assert run.fleet is not None  # noqa: S101 - else its limits would have been refused
            run.fleet.refit(name, changed)
        run.shared.pump()
        return "\n".join(self._told(path, value) for path, value in values.items())

    def _budget(self, budget: Budget, key: str, value: Any) -> Budget:
        _known(key, MONEY)
        if (
            key in ("cost", "maybe_billed")
            and value is not None
            and (found := next(self._run.session.unpriced(), None))
        ):
            raise JobError(found[1], hint="without its price a budget in dollars could not hold")
        return _changed(budget, f"budget.{key}", value)

    def _limits(self, changed: Mapping[str, Limits], name: str, key: str, value: Any) -> Limits:
        fleet = self._run.fleet
        if fleet is None:
            raise JobError("the run has not begun to ask yet", hint="try again in a moment")
        _known(key, LIVE)
        if name not in fleet.limits:
            raise JobError(f"there is no model '{name}'", hint=nearest(name, fleet.limits))
        path = f"models.{name}.limits.{key}"
        if key == "concurrency" and isinstance(value, int) and value > fleet.most_at_once(name):
            most = fleet.most_at_once(name)
            raise JobError(f"{path}: this run has connections for {most}", hint="set it in the job file")
        return _changed(changed.get(name, fleet.limits[name]), path, value)

    def _told(self, path: str, value: Any) -> str:
        self._run.events.info("run.set", path=path, value=value)
        said = f"{path} is no longer set" if value is None else f"{path} is now {value}"
        self._run.say(f"{said} (this run only; the job file is as it was)")
        return said + self._overspent(path)

    def _overspent(self, path: str) -> str:
        """What is to be said of a budget that what is spent has passed already."""
        assert self._run.shared is not None  # noqa: S101
        purse, (first, _, key) = self._run.shared.purse, path.partition(".")
        most = getattr(purse.budget, key) if first == "budget" else None
        if most is None:
            return ""
        if key in ("cost", "maybe_billed"):
            spent = (purse.maybe if key == "maybe_billed" else purse.spent).cost / DOLLAR
            used = dollars(spent)
        else:
            spent = getattr(purse.spent, key)
            used = f"{spent:,}"
        stops = spent > most if key == "maybe_billed" else spent >= most
        return f"; {used} is spent, or may have been billed: the run will stop" if stops else ""


def _known(key: str, keys: tuple[str, ...]) -> None:
    if key not in keys:
        hint = nearest(key, keys) or f"these can: {', '.join(keys)}"
        raise JobError(f"'{key}' cannot be set in a live run", hint=hint)


def _changed(spec: Changed, path: str, value: Any) -> Changed:
    data = {**spec.model_dump(), path.rpartition(".")[2]: value}
    try:
        return spec.model_validate(data)
    except ValidationError as error:
        what = mistake(error, YamlText(path, data), type(spec)).what
        raise JobError(what.partition(": ")[2] or what, where=path) from None
