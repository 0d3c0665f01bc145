"""`picture`: the single line of a site, from what the engine has said. It is frozen: what is the same is not drawn."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Final, NamedTuple

from tools.view.reading import Reading
from tools.view.roles import Roles, roles
from tools.view.shown import NOT_VALID, Shown, Tone, ago, plain, text_of
from tools.view.store import Store

# kW that count as none, for the arrow.
_NO_POWER_KW: Final = 0.05


class Card(NamedTuple):
    """A device: its name, its lines, and for how long it has been silent, in words."""

    title: str
    lines: tuple[Shown, ...]
    note: str = ""


class Joint(NamedTuple):
    """What is between two devices: a contactor and the power through it."""

    title: str
    contactor: Shown
    power: Shown
    arrow: str


class Row(NamedTuple):
    """From the grid to one battery; where there are more of one kind than of the other, a place is empty."""

    feeder: Joint | None
    pcs: Card | None
    dc: Joint | None
    bms: Card | None


class Picture(NamedTuple):
    """All that the first page shows.

    Attributes:
        title: the site and its state.
        banner: what counts more than all the rest: no connection, emergency stop, maintenance.
        grid, rows: the single line.
        control: what is asked for, and what is possible.
        messages: alarms and faults.
    """

    title: Shown
    banner: tuple[Shown, ...]
    grid: Card
    rows: tuple[Row, ...]
    control: Card
    messages: tuple[Shown, ...]


def picture(store: Store, now_s: float, ess: str | None = None) -> Picture:
    """Return what there is to see at `now_s`.

    Args:
        store: what the engine has said.
        now_s: when it is, on the clock of the store.
        ess: the asset that is operated; ``None`` is the first.
    """
    parts = roles(store, ess)
    doubt = store.doubt(now_s)
    look = _Look(store, now_s, doubtful=bool(doubt))
    banner = [Shown("", doubt, Tone.BAD)] if doubt else []
    rows = tuple(
        Row(look.feeder(pcs, parts), look.pcs(pcs), look.dc(bms), look.bms(bms))
        for pcs, bms in zip_longest(parts.pcs, parts.bms)
    )
    return Picture(
        title=look.title(parts.ess),
        banner=(*banner, *look.warnings(parts.ess)),
        grid=look.grid(parts),
        rows=rows,
        control=look.control(parts),
        messages=look.messages(),
    )


class _Look:
    """Makes the parts of a picture of one moment."""

    def __init__(self, store: Store, now_s: float, *, doubtful: bool) -> None:
        self._store = store
        self._now_s = now_s
        self._doubtful = doubtful

    def title(self, ess: str | None) -> Shown:
        if ess is None:
            return Shown(f"/{self._store.engine}", "no ESS in its tables", Tone.INVALID)
        state = self._read(ess).state()
        since = self._store.parameters(f"/status/{ess}", "SystemState").get("since")
        text = f"{state.text} since {plain(since, 20)}" if since and not self._doubtful else state.text
        return Shown(self._name(ess), text, state.tone)

    def warnings(self, ess: str | None) -> list[Shown]:
        """Return what a person must not overlook."""
        if ess is None:
            return []
        found = []
        controls, summary = f"/controls/{ess}", f"/assets/{ess}/summary"
        if self._store.has(controls, "EStop"):
            pressed = self._store.value(controls, "EStop")
            if pressed is None:
                found.append(Shown("", f"EMERGENCY STOP is {NOT_VALID} and counts as pressed", Tone.BAD))
            elif pressed:
                found.append(Shown("", "EMERGENCY STOP is pressed", Tone.BAD))
            held = self._store.value(f"/status/{ess}", "EStopHeldBy")
            if held and not (pressed and held == "people"):
                found.append(Shown("", f"EMERGENCY STOP is held by {plain(held, 60)}", Tone.BAD))
        if self._store.value(summary, "maint_mode"):
            found.append(Shown("", "maintenance mode: people operate the devices one by one", Tone.BUSY))
        return [one.silenced() for one in found] if self._doubtful else found

    def grid(self, parts: Roles) -> Card:
        asset = parts.grid or parts.feeder or next(iter(parts.pcs), None)
        if asset is None:
            return Card("Grid", (Shown("", "nobody measures", Tone.INVALID),))
        read = self._read(asset)
        lines = read.some(("Frequency", "Hz"), ("VoltageL1L2", "V"), ("VoltageL2L3", "V"), ("VoltageL3L1", "V"))
        return self._card("Grid", asset, (*lines, *self._breaker(read)), f"seen by {self._name(asset)}")

    def _breaker(self, read: Reading) -> tuple[Shown, ...]:
        said = read.some(("BreakerClosed", ""))
        text, tone = _contactor(read.value("BreakerClosed"))
        return tuple(one._replace(text=text, tone=one.tone if one.tone is Tone.SILENT else tone) for one in said)

    def feeder(self, pcs: str | None, parts: Roles) -> Joint | None:
        if pcs is None:
            return None
        measured = parts.feeder if parts.feeder is not None and len(parts.pcs) == 1 else pcs
        return self._joint("AC", pcs, "AcContactor", self._read(measured), "ActivePower")

    def dc(self, bms: str | None) -> Joint | None:
        if bms is None:
            return None
        return self._joint("DC", bms, "DCClosed", self._read(bms), "BMSPower", "DCPower")

    def pcs(self, asset: str | None) -> Card | None:
        if asset is None:
            return None
        read = self._read(asset)
        lines = (
            *self._state_lines(read, "PCSStatus"),
            *read.some(("ActivePower", "kW"), ("ReactivePower", "kvar"), ("DCVoltage", "V")),
        )
        return self._card(self._name(asset), asset, lines)

    def bms(self, asset: str | None) -> Card | None:
        if asset is None:
            return None
        read = self._read(asset)
        lines = (
            *self._state_lines(read, "BMSStatus"),
            *read.some(("SOC", "%"), ("BMSVoltage", "V"), ("BMSCurrent", "A"), ("MaxCellTemp", "°C")),
        )
        return self._card(self._name(asset), asset, lines)

    def control(self, parts: Roles) -> Card:
        ess = parts.ess
        if ess is None:
            return Card("Control", ())
        store, read = self._store, self._read(ess)
        lines = [*read.controls(("ActivePowerSetpoint", "kW", "Set point P"), ("ReactivePowerSetpoint", "kvar", "Q"))]
        for pcs in parts.pcs:
            lines += self._read(pcs).controls(("ActivePowerCmdReal", "kW", f"asked of {self._name(pcs)}"))
        if store.has(f"/status/{ess}", "MaxDischargePower"):
            low, high = (store.value(f"/status/{ess}", f"Max{one}Power") for one in ("Charge", "Discharge"))
            tone = Tone.INVALID if None in (low, high) else Tone.PLAIN
            lines.append(Shown("Possible", f"{text_of(low)} to {text_of(high)} kW", tone))
        lines += read.some(("PowerAllowed", ""))
        waits_for = store.parameters(f"/status/{ess}", "SystemState").get("waits_for")
        lines += [Shown("Waits for", plain(waits_for), Tone.BUSY)] if waits_for else []
        result = store.value(f"/status/{ess}", "LastResult")
        lines += [Shown("Last result", plain(result))] if result else []
        return Card("Control", tuple(one.silenced() for one in lines) if self._doubtful else tuple(lines))

    def messages(self) -> tuple[Shown, ...]:
        """Return all alarms and faults, faults first."""
        found: dict[str, list[Shown]] = {"fault": [], "alarm": []}
        for table, members in sorted(self._store.looks.items()):
            asset = plain(self._store.parameters(table, "").get("name") or table)
            for name, parameters in members.items():
                kind = parameters.get("ui_type")
                if kind in found:
                    found[kind] += _messages(asset, kind, self._store.value(table, name), parameters.get("options"))
        messages = (*found["fault"], *found["alarm"])
        if self._doubtful:
            # None that we know of is not none.
            return (Shown("", "not known", Tone.INVALID), *(one.silenced() for one in messages))
        return messages or (Shown("none", ""),)

    def _state_lines(self, read: Reading, status: str) -> tuple[Shown, ...]:
        said = read.some((status, ""))
        communicates = read.value("CommsOK")
        tone = Tone.SILENT if read.is_silent else Tone.BAD
        lost = (Shown("", "no communication", tone),) if communicates is False else ()
        return (read.state(), *(lost or (one._replace(label="says") for one in said)))

    def _joint(self, title: str, asset: str, contactor: str, read: Reading, *powers: str) -> Joint:
        power = next(iter(read.some(*((name, "kW") for name in powers))), Shown("", "", Tone.PLAIN))
        closed = self._read(asset).value(contactor)
        text, tone = _contactor(closed)
        is_silent = self._doubtful or self._store.silence(asset, self._now_s) is not None
        state = Shown("", text, Tone.SILENT if is_silent else tone)
        value = next((read.value(name) for name in powers if read.has(name)), None)
        arrow = "" if power.tone is Tone.SILENT else _arrow(value)
        return Joint(title, state, power._replace(label=""), arrow)

    def _card(self, title: str, asset: str, lines: tuple[Shown, ...], note: str = "") -> Card:
        silence = self._store.silence(asset, self._now_s)
        if silence is not None and not self._doubtful:
            note = f"{silence.who} silent {ago(silence.age_s)}"
        return Card(title, lines, note)

    def _read(self, asset: str) -> Reading:
        is_silent = self._doubtful or self._store.silence(asset, self._now_s) is not None
        return Reading(self._store, asset, is_silent=is_silent)

    def _name(self, asset: str) -> str:
        name = self._store.parameters(f"/assets/{asset}/summary", "").get("name")
        return plain(name, 14) if isinstance(name, str) and name else plain(asset, 14)


def _contactor(closed: Any) -> tuple[str, Tone]:
    if closed is None:
        return NOT_VALID, Tone.INVALID
    return ("closed", Tone.GOOD) if closed else ("open", Tone.PLAIN)


def _arrow(power_kw: Any) -> str:
    """Return which way it flows; the grid is on the left, and discharging is positive."""
    if not isinstance(power_kw, int | float) or abs(power_kw) < _NO_POWER_KW:
        return ""
    return "←" if power_kw > 0 else "→"


def _messages(asset: str, kind: str, count: Any, options: Any) -> list[Shown]:
    tone = Tone.BAD if kind == "fault" else Tone.BUSY
    if count is None:
        return [Shown(asset, f"whether there is a {kind} is {NOT_VALID}", Tone.INVALID)]
    texts = [one.get("name") if isinstance(one, dict) else one for one in options] if isinstance(options, list) else []
    if not texts and count:
        texts = [f"{text_of(count)} {kind}(s) without a text"]
    return [Shown(asset, f"{kind}: {plain(text)}", tone) for text in texts]
