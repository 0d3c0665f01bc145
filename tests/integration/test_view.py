"""`ess_view` against a real broker and a real engine, by its keys."""

from __future__ import annotations

import signal
import time

import pytest
from textual.widgets import DataTable, Input

from ess_bus.client import Bus
from tests.integration.view_site import Device, drive, screen_text, start_engine, until
from tools.view.app import View
from tools.view.picture import picture
from tools.view.screens import Details, Shells
from tools.view.shown import Tone


@pytest.fixture
def engine(start, folder, broker):
    return start_engine(start, folder, broker)


@pytest.fixture
def bus(broker, engine):
    with Bus(broker, name="test") as found:
        yield found


def said(view):
    return [one.text for one in view.entries]


def bms(view):
    return picture(view.store, time.monotonic()).rows[0].bms


def test_it_shows_the_line_and_what_changes(broker, bus):
    async def script(view, pilot):
        await until(lambda: "SOC 50 %" in screen_text(view), view)
        assert "f not valid" in screen_text(view)
        device.soc = None
        await until(lambda: "SOC not valid" in screen_text(view), view)
        bus.set("/status/bms/DCClosed", True)
        await until(lambda: "Ready" in screen_text(view), view)
        await until(lambda: "closed" in screen_text(view), view)

    with Device(broker) as device:
        drive(View(broker), script)


def test_a_silent_source_turns_grey_with_its_age_and_comes_back(broker, bus):
    async def script(view, pilot):
        await until(lambda: "SOC 50 %" in screen_text(view), view)
        device.stop()
        await until(lambda: bms(view).note.startswith("bms_1 silent "), view)
        assert {one.tone for one in bms(view).lines} == {Tone.SILENT}
        bus.publish("/components/bms_1", {"soc": 51, "Timestamp": "later"})
        await until(lambda: bms(view).note == "" and "SOC 51 %" in screen_text(view), view)

    with Device(broker) as device:
        drive(View(broker), script)


def test_on_asks_back_and_is_answered(broker, bus):
    async def script(view, pilot):
        await until(lambda: view.store.has("/controls/ess", "OnCmd"), view)
        with bus.subscribe("/ess/controls/ess", passive=True) as orders:
            await pilot.press("o", "n")
            await until(lambda: "On: left" in said(view), view)
            await pilot.press("o", "y")
            await until(lambda: "On: taken" in said(view), view)
            sets = [one.uri for one in orders.burst(1, 100) if one.method == "set"]
        assert sets == ["/ess/controls/ess/OnCmd"]
        assert "fims_send --bus" in screen_text(view)

    drive(View(broker), script)


def test_a_refusal_is_shown_with_its_reason(broker, bus):
    bus.set("/status/bms/IsFaulted", True)

    async def script(view, pilot):
        await until(lambda: "Fault" in screen_text(view), view)
        await pilot.press("o", "y")
        await until(lambda: any("start refused" in one for one in said(view)), view)
        bus.set("/controls/ess/ActivePowerSetpoint@lock", True)
        await pilot.press("p", "5", "enter")
        await until(lambda: any(one.startswith("Set point P 5: refused: ") for one in said(view)), view)

    drive(View(broker), script)


def test_a_set_point_is_typed_and_what_is_no_number_is_not_sent(broker, bus):
    async def script(view, pilot):
        await until(lambda: view.store.has("/controls/ess", "ActivePowerSetpoint"), view)
        await pilot.press("p", *"12x", "enter")
        assert "expected a number" in said(view)[-1]
        await pilot.press("p", *"-12.5", "enter")
        await until(lambda: "Set point P -12.5 kW" in screen_text(view), view)
        assert bus.get("/ess/controls/ess/ActivePowerSetpoint") == -12.5
        await pilot.press("r", "7", "escape")
        assert not view.query_one(Input).display
        assert bus.get("/ess/controls/ess/ReactivePowerSetpoint") == 0

    drive(View(broker), script)


@pytest.mark.parametrize("before", [(), ("p",), ("o",), ("d",), ("question_mark",)])
def test_the_emergency_stop_works_at_once_whatever_is_open(broker, bus, before):
    async def script(view, pilot):
        await until(lambda: view.store.has("/controls/ess", "EStop"), view)
        await pilot.press(*before, "e")
        await until(lambda: bus.get("/ess/controls/ess/EStop") is True, view)
        await until(lambda: "EMERGENCY STOP is pressed" in screen_text(view), view)
        await pilot.press("e")
        assert bus.get("/ess/controls/ess/EStop") is True
        await pilot.press("y")
        await until(lambda: bus.get("/ess/controls/ess/EStop") is False, view)

    drive(View(broker), script)


def test_without_its_engine_nothing_is_shown_as_good_until_it_is_back(broker, bus, engine, start, folder):
    async def script(view, pilot):
        await until(lambda: "SOC 50 %" in screen_text(view), view)
        engine.stop(signal.SIGKILL)
        await until(lambda: "there is no engine /ess on this bus" in screen_text(view), view)
        assert {one.tone for one in bms(view).lines} == {Tone.SILENT}
        await pilot.press("f")
        await until(lambda: any(one.startswith("Off: not delivered") for one in said(view)), view)
        start_engine(start, folder, broker)
        await until(lambda: "SOC 50 %" in screen_text(view) and "no engine" not in screen_text(view), view)
        # Until the device is heard through the new engine, its values are still those of the old one.
        await until(lambda: Tone.SILENT not in {one.tone for one in bms(view).lines}, view)

    with Device(broker):
        drive(View(broker), script)


def test_an_engine_that_hangs_is_silent(broker, bus, engine):
    async def script(view, pilot):
        await until(lambda: "Off since" in screen_text(view), view)
        engine.popen.send_signal(signal.SIGSTOP)
        await until(lambda: picture(view.store, time.monotonic()).title.tone is Tone.SILENT, view)
        engine.popen.send_signal(signal.SIGCONT)
        await until(lambda: picture(view.store, time.monotonic()).banner == (), view)

    drive(View(broker), script)


def test_what_others_publish_below_the_name_of_the_engine_is_not_believed(broker, bus):
    async def script(view, pilot):
        await until(lambda: "Off since" in screen_text(view), view)
        bus.publish("/ess/status/ess", {"SystemState": "Running", "LastResult": "forged"})
        # The engine does not let others say what its machines say, and says something of its own now.
        bus.set("/status/ess/Mark", 1)
        await until(lambda: view.store.value("/status/ess", "Mark") == 1, view)
        assert view.store.value("/status/ess", "SystemState") == bus.get("/ess/status/ess/SystemState")

    drive(View(broker), script)


def test_pages_of_details_and_of_the_shell(broker, bus):
    async def script(view, pilot):
        await until(lambda: view.store.has("/assets/ess/summary", "faults"), view)
        await pilot.press("d")
        await until(lambda: isinstance(view.screen, Details) and view.screen.query_one(DataTable).row_count > 0)
        await pilot.press("escape", "question_mark")
        await until(lambda: isinstance(view.screen, Shells))
        await pilot.press("escape")
        await until(lambda: len(view.screen_stack) == 1)

    drive(View(broker), script)


def test_read_only_sends_nothing(broker, bus):
    async def script(view, pilot):
        await until(lambda: view.store.has("/controls/ess", "EStop"), view)
        await pilot.press("e", "o", "y", "p")
        assert all("only looks on" in one for one in said(view))
        assert not view.query_one(Input).display
        assert bus.get("/ess/controls/ess/EStop") is False

    drive(View(broker, read_only=True), script)


def test_without_a_broker_it_says_so_and_goes_on(folder):
    async def script(view, pilot):
        await until(lambda: "no broker on" in screen_text(view), view)
        await pilot.press("q")

    drive(View(f"ipc://{folder}/none"), script)
