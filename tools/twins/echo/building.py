"""From the mapping of outputs to outputs that are bound to the models; every mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tools.twins.echo.binding import Binder, BindingError, Effect, parsed
from tools.twins.echo.mapping import (
    Computed,
    Heartbeat,
    Held,
    InputMapping,
    OutputMapping,
    Settings,
    Watchdog,
    component_of,
)
from tools.twins.echo.output import Output
from tools.twins.echo.registers import Computed as ComputedRegister
from tools.twins.echo.registers import Held as HeldRegister
from tools.twins.echo.registers import Register
from tools.twins.echo.watching import Counter, Watch
from tools.twins.entries import Findings
from tools.twins.models.model import Model

_NUMBER: Final = re.compile(r"\$\{\w+\}")


def outputs_of(mappings: list[OutputMapping], models: Mapping[str, Model], findings: Findings) -> dict[str, Output]:
    """Return the outputs of a mapping, by id; what is wrong with it is found."""
    outputs: dict[str, Output] = {}
    for number, mapping in enumerate(mappings):
        if mapping.repeat > 1 and any(one.repeat > 1 for one in mapping.inputs):
            findings.error(f"outputs.{number}", "expected a repeat in the output or in its inputs, not in both")
            continue
        for one in _repeated(mapping):
            output = _Builder(f"outputs.{number}", one, models, findings).output()
            if output.id in outputs:
                findings.error(f"outputs.{number}.uri", f"{output.id!r} is there twice; with repeat, expected a ${{N}}")
            outputs[output.id] = output
    return outputs


class _Builder:
    def __init__(self, where: str, mapping: OutputMapping, models: Mapping[str, Model], findings: Findings) -> None:
        self._where = where
        self._mapping = mapping
        self._findings = findings
        self._binder = Binder(models)
        self._registers: dict[str, Register] = {}

    def output(self) -> Output:
        """Return the output, as far as it can be made."""
        for number, one in enumerate(self._mapping.inputs):
            for repeated in _repeated(one):
                self._input(f"{self._where}.inputs.{number}", repeated)
        for name, held in self._mapping.echo.items():
            where = f"{self._where}.echo.{name}"
            with self._finding(where):
                self._add(where, name, self._held(held))
        counters = self._counters()
        watches = [watch for number, one in enumerate(self._mapping.watch) for watch in self._watches(number, one)]
        return Output(
            component_of(self._mapping.uri),
            self._registers,
            tuple(self._binder.named.values()),
            counters,
            tuple(watches),
            self._mapping.publish_rate,
        )

    def _input(self, where: str, mapping: InputMapping) -> None:
        with self._finding(f"{where}.uri"):
            binder = self._binder.within(component_of(mapping.uri))
            for name, wanted in mapping.registers.items():
                place = f"{where}.registers.{name}"
                with self._finding(place):
                    self._add(place, name, _computed(wanted, binder))

    def _held(self, wanted: Any) -> HeldRegister:
        if not isinstance(wanted, Held):
            return HeldRegister(wanted)
        return HeldRegister(wanted.value, self._binder.effects(wanted.write), wanted.momentary)

    def _counters(self) -> tuple[Counter, ...]:
        wanted = self._mapping.heartbeat
        if wanted is None:
            return ()
        heartbeat = wanted if isinstance(wanted, Heartbeat) else Heartbeat.model_validate({"register": wanted})
        register = HeldRegister(0)
        self._add(f"{self._where}.heartbeat", heartbeat.register_id, register)
        return (Counter(register, float(heartbeat.period), heartbeat.modulo),)

    def _watches(self, number: int, wanted: Watchdog) -> Iterator[Watch]:
        where = f"{self._where}.watch.{number}"
        with self._finding(where):
            if (wanted.timeout is None) is (wanted.timeout_register is None):
                raise BindingError("expected either timeout or timeout_register")
            limit = self._own(wanted.timeout_register) if wanted.timeout_register is not None else None
            yield Watch(
                wanted.register_id,
                self._own(wanted.register_id),
                float(wanted.timeout or 0),
                limit,
                self._unconditional(wanted.set),
                self._unconditional(wanted.back),
            )

    def _unconditional(self, settings: Settings | None) -> tuple[Effect, ...]:
        return tuple(Effect(None, (one,)) for one in self._binder.settings(settings)) if settings else ()

    def _own(self, name: str) -> HeldRegister:
        register = self._registers.get(name)
        if not isinstance(register, HeldRegister):
            raise BindingError(f"expected a register of echo, got {name!r}")
        return register

    def _add(self, where: str, name: str, register: Register) -> None:
        if name in self._registers:
            self._findings.error(where, f"the register {name!r} is there twice")
        self._registers[name] = register

    @contextmanager
    def _finding(self, where: str) -> Iterator[None]:
        try:
            yield
        except BindingError as error:
            self._findings.error(where, str(error))


def _computed(wanted: str | Computed, binder: Binder) -> ComputedRegister:
    if isinstance(wanted, str):
        return ComputedRegister((binder.target(wanted),), is_field=True)
    names = (wanted.field, *wanted.fields) if wanted.field is not None else wanted.fields
    sources = binder.targets(names)
    effects = binder.effects(wanted.write)
    if wanted.expression is not None:
        return ComputedRegister(sources, parsed(wanted.expression, len(sources)), effects)
    if len(sources) != 1:
        raise BindingError(f"expected one field or an expression, got {len(sources)} fields")
    return ComputedRegister(sources, None, effects, is_field=not effects)


def _repeated(mapping: Any) -> Iterator[Any]:
    """Yield a mapping as often as it repeats, with the number in its texts."""
    if mapping.repeat == 1:
        yield mapping
        return
    for number in range(1, mapping.repeat + 1):
        yield type(mapping).model_validate(
            _numbered(mapping.model_dump(by_alias=True, exclude={"repeat"}, exclude_unset=True), str(number))
        )


def _numbered(value: Any, number: str) -> Any:
    if isinstance(value, str):
        return _NUMBER.sub(number, value)
    if isinstance(value, dict):
        return {_numbered(key, number): _numbered(inner, number) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_numbered(inner, number) for inner in value]
    return value
