"""What a live run can be told: pause, resume, stop, take other limits, give its status.

This module does not know how commands come in (`server.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from pipeline.core.display import counted, dollars
from pipeline.core.domain import DOLLAR
from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest
from pipeline.job import yaml_source
from pipeline.job.models import Limits
from pipeline.job.spec import BudgetSpec
from pipeline.job.validation import problem
from pipeline.job.yaml_source import YamlSource
from pipeline.runs.state import RunState

LIVE = ("rpm", "tpm", "rpd", "concurrency")
MONEY = ("cost", "tokens", "requests", "maybe_billed")
_CAN = f"models.<name>.limits.{{{','.join(LIVE)}}}, budget.{{{','.join(MONEY)}}}"
Changed = TypeVar("Changed", BudgetSpec, Limits)


class Steering:
    """The commands of one run."""

    def __init__(self, run: RunState) -> None:
        self._run = run

    def status(self) -> dict[str, Any]:
        """The state of the run, in numbers."""
        return self._run.numbers()

    def pause(self) -> str:
        """Send nothing new; requests under way are finished."""
        already = "" if self._hold(True) else " already"
        return (
            f"paused{already}; {counted(self._run.progress.in_flight, 'request')} under way will be completed"
        )

    def resume(self) -> str:
        """Go on."""
        return "going on" if self._hold(False) else "the run is not paused: it is going on already"

    def _hold(self, paused: bool) -> bool:
        """Pause, or go on; whether that is a change."""
        run = self._run
        assert run.shared is not None  # noqa: S101 - commands are taken only while the run sends
        if run.fuse.reason is not None:
            raise JobError("the run is stopping")
        changed, run.shared.pause.paused = run.shared.pause.paused != paused, paused
        run.progress.notice = "paused" if paused else ""
        run.events.info("run.paused" if paused else "run.resumed")
        run.shared.pump()
        return changed

    def stop(self) -> str:
        """End the run as an interrupt would."""
        self._run.interrupted("ctl stop", again="")
        return "the run ends when the requests under way are completed; the same command goes on later"

    def cancel(self) -> str:
        """End the batches that are under way."""
        night = self._run.night
        if night is None or not (count := night.cancel()):
            raise JobError("no batch is under way")
        return f"{counted(count, 'batch')} will be cancelled; what is answered by then is kept"

    def set(self, changes: Sequence[tuple[str, str]]) -> str:
        """Change each `models.<name>.limits.<key>` or `budget.<key>`, or none of them; not the job file."""
        run = self._run
        assert run.shared is not None  # noqa: S101 - it is made before anybody can steer
        budget, limits, values = run.shared.budget.spec, dict[str, Limits](), dict[str, Any]()
        for path, value in changes:
            values[path] = parsed = yaml_source.parse(value, path).data
            match path.split("."):
                case "budget", key:
                    budget = self._budget(budget, key, parsed)
                case "models", name, "limits", key:
                    limits[name] = self._limits(limits, name, key, parsed)
                case _:
                    raise JobError(f"'{path}' cannot be set in a live run", hint=f"these can: {_CAN}")
        run.shared.budget.spec = budget
        for name, changed in limits.items():
            assert run.lanes is not None  # noqa: S101 - else its limits would have been refused
            run.lanes.refit(name, changed)
        run.shared.pump()
        return "\n".join(self._told(path, value) for path, value in values.items())

    def _budget(self, budget: BudgetSpec, key: str, value: Any) -> BudgetSpec:
        _known(key, MONEY)
        in_dollars = key in ("cost", "maybe_billed") and value is not None
        for _, why in self._run.session.unpriced() if in_dollars else ():
            raise JobError(why, hint="a budget in dollars needs its price")
        return _changed(budget, f"budget.{key}", value)

    def _limits(self, changed: Mapping[str, Limits], name: str, key: str, value: Any) -> Limits:
        lanes = self._run.lanes
        if lanes is None:
            raise JobError("the run has not begun to ask yet", hint="try again in a moment")
        _known(key, LIVE)
        if name not in lanes.limits:
            raise JobError(f"there is no model '{name}'", hint=nearest(name, lanes.limits))
        path = f"models.{name}.limits.{key}"
        if key == "concurrency" and isinstance(value, int) and value > lanes.most_at_once(name):
            most = lanes.most_at_once(name)
            raise JobError(f"{path}: this run has only connections for {most}", hint="set it in the job file")
        return _changed(changed.get(name, lanes.limits[name]), path, value)

    def _told(self, path: str, value: Any) -> str:
        self._run.events.info("run.set", path=path, value=value)
        said = f"{path} is no longer set" if value is None else f"{path} is now {value}"
        self._run.say(f"{said} (this run only; the job file is not changed)")
        return said + self._overspent(path)

    def _overspent(self, path: str) -> str:
        """A remark where more than the new budget is spent already."""
        assert self._run.shared is not None  # noqa: S101 - it is made before anybody can steer
        budget, (first, _, key) = self._run.shared.budget, path.partition(".")
        most = getattr(budget.spec, key) if first == "budget" else None
        if most is None:
            return ""
        if key in ("cost", "maybe_billed"):
            spent = (budget.maybe if key == "maybe_billed" else budget.spent).cost / DOLLAR
            used = dollars(spent)
        else:
            spent = getattr(budget.spent, key)
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
        what = problem(error, YamlSource(path, data), type(spec)).what
        raise JobError(what.partition(": ")[2] or what, where=path) from None
