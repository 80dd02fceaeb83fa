"""What may be done to a live run: paused, resumed, stopped, given other limits, asked how it stands.

This module does not know how the words come in (`control.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline import yaml_text
from pipeline.errors import JobError, nearest
from pipeline.job import Budget, Limits
from pipeline.tally import counted

if TYPE_CHECKING:
    from pipeline.running import Run

LIVE = ("rpm", "tpm", "rpd", "concurrency")
MONEY = ("cost", "tokens", "requests", "maybe_billed")


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

    def set(self, path: str, value: str) -> str:
        """Change `models.<name>.limits.<key>` or `budget.<key>`; the job file stays as it is."""
        parsed = yaml_text.parse(value, path).data
        parts = path.split(".")
        if parts[0] == "budget" and len(parts) == 2:
            return self._set_budget(parts[1], parsed)
        if parts[0] == "models" and len(parts) == 4 and parts[2] == "limits":
            return self._set_limit(parts[1], parts[3], parsed)
        raise JobError(
            f"'{path}' cannot be set in a live run",
            hint=f"these can: models.<name>.limits.{{{','.join(LIVE)}}}, budget.{{{','.join(MONEY)}}}",
        )

    def _set_budget(self, key: str, value: Any) -> str:
        run = self._run
        assert run.shared is not None  # noqa: S101
        _known(key, MONEY)
        purse = run.shared.purse
        if (
            key in ("cost", "maybe_billed")
            and value is not None
            and (found := next(run.session.unpriced(), None))
        ):
            raise JobError(found[1], hint="without its price a budget in dollars could not hold")
        purse.budget = _changed(purse.budget, f"budget.{key}", value, Budget)
        run.shared.pump()
        return self._told(f"budget.{key}", value)

    def _set_limit(self, name: str, key: str, value: Any) -> str:
        run = self._run
        if run.fleet is None:
            raise JobError("the run has not begun to ask yet", hint="try again in a moment")
        _known(key, LIVE)
        if name not in run.fleet.limits:
            raise JobError(f"there is no model '{name}'", hint=nearest(name, run.fleet.limits))
        path = f"models.{name}.limits.{key}"
        if key == "concurrency" and isinstance(value, int) and value > run.fleet.most_at_once(name):
            most = run.fleet.most_at_once(name)
            raise JobError(f"{path}: this run has connections for {most}", hint="set it in the job file")
        run.fleet.refit(name, _changed(run.fleet.limits[name], path, value, Limits))
        return self._told(path, value)

    def _told(self, path: str, value: Any) -> str:
        self._run.events.info("run.set", path=path, value=value)
        said = f"{path} is no longer set" if value is None else f"{path} is now {value}"
        self._run.say(f"{said} (this run only; the job file is as it was)")
        return said


def _known(key: str, keys: tuple[str, ...]) -> None:
    if key not in keys:
        hint = nearest(key, keys) or f"these can: {', '.join(keys)}"
        raise JobError(f"'{key}' cannot be set in a live run", hint=hint)


def _changed(spec: Any, path: str, value: Any, kind: type[Any]) -> Any:
    try:
        return kind.model_validate({**spec.model_dump(), path.rpartition(".")[2]: value})
    except ValidationError as error:
        raise JobError(f"{path}: {error.errors()[0]['msg']}") from None
