"""The dashboard in a browser, at the whole Clou site: headless Chromium, driven by Selenium."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from ess_bus.client import Bus
from tests.integration.clou_site import Site
from tests.integration.conftest import Process, eventually, free_port
from tests.integration.web_site import TOKENS, start_web

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="no Chromium here: apt-get install chromium chromium-driver"
    ),
    pytest.mark.timeout(180),
]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1400,1250"),
)
SUMMARY = "/ess/assets/ess/summary"


class Page:
    """What somebody sees and clicks."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def log_in(self, role: str = "operator") -> None:
        self.driver.get(f"{self.url}/static/style.css")
        self.driver.delete_all_cookies()
        self.driver.get(f"{self.url}/#{TOKENS[role]}")
        # The token of the address is in the form already, and not in the address any more.
        self.type("#login-name", "Ada")
        assert TOKENS[role] not in self.driver.current_url
        self.click("#login-go")
        self.until(lambda: self.text("#who") == f"Ada ({role})")
        self.until(lambda: not self.complains())

    def tab(self, name: str) -> None:
        self.click(f"[data-tab={name}]")
        self.until(lambda: self.find("main").get_attribute("data-view") == name)

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return str(self.find(selector).text)

    def click(self, selector: str) -> None:
        # What is drawn anew just now is there again in a moment.
        self.until(lambda: self.find(selector).click() or True)

    def type(self, selector: str, text: str) -> None:
        self.until(lambda: self.find(selector).clear() or True)
        self.find(selector).send_keys(text)

    def until(self, condition: Callable[[], Any]) -> Any:
        return eventually(condition, 60)

    def complains(self) -> bool:
        """Tell whether it says that something is not valid; alarms of the site are another matter."""
        return bool(self.driver.find_elements(By.CSS_SELECTOR, "#banners .bad"))

    def set_in_tree(self, uri: str, value: object) -> None:
        """Search a variable, and set it."""
        self.tab("tree")
        self.type("#search", uri)
        self.click(f'[data-leaf="{uri}"] button:last-child')
        self.type("#set-value", str(value))
        self.click("#set-go")

    def press(self, control: str) -> None:
        """Press the button of a control, and confirm it."""
        self.click(f'[data-control="{control}"] button')
        self.click("#set-go")


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    profile = tempfile.mkdtemp(prefix="eb-")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield made
    made.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def page(site: Site, driver: webdriver.Chrome, start: Callable[..., Process], folder: Path, port: int) -> Page:
    found = Page(driver, start_web(start, folder, bus=site.bus.endpoint, port=port))
    found.log_in()
    return found


def mistakes(driver: webdriver.Chrome) -> list[str]:
    """Return what the page did wrong; that a server is not there, and a login missing, is none."""
    entries: list[dict[str, str]] = driver.get_log("browser")
    return [one["message"] for one in entries if one["source"] not in ("network", "recommendation")]


def test_values_move_and_a_set_point_reaches_the_register_of_the_twins(page: Page, site: Site) -> None:
    page.press(f"{SUMMARY}/start")
    page.until(lambda: "Running" in page.text('[data-place="ess.state"]'))
    page.set_in_tree("/ess/controls/ess/ActivePowerSetpoint", 200)
    page.until(lambda: not page.find("#set").is_displayed())
    page.until(lambda: site.pcs.read("active_power") == 200)
    page.tab("overview")
    page.until(lambda: page.text('[data-place="pcs.power"]') == "200 kW")
    page.until(lambda: page.text('[data-place="dc.closed"]') == "closed")
    before = page.text('[data-place="bms.soc"]')
    with Bus(site.plant.endpoint, name="faster") as plant:
        plant.set("/twins/timemultiplier", 60)
        page.until(lambda: page.text('[data-place="bms.soc"]') != before)
        plant.set("/twins/timemultiplier", 1)
    page.tab("trends")
    page.until(lambda: len(page.driver.find_elements(By.CSS_SELECTOR, "#charts canvas")) >= 2)
    assert mistakes(page.driver) == []


def test_a_refused_set_shows_its_reason(page: Page, site: Site) -> None:
    page.set_in_tree("/components/catl_ems_bms_rw/ems_cmd", 70000)
    page.until(lambda: "does not fit" in page.text("#set-error"))
    page.type("#set-value", "12,5")
    page.click("#set-go")
    page.until(lambda: "is not a number" in page.text("#set-error"))
    page.click("#set-cancel")
    page.tab("overview")
    page.press(f"{SUMMARY}/start")
    # Disabled by the engine while it runs: the page does not even offer it.
    clear = f'[data-control="{SUMMARY}/clear_faults"] button'
    page.until(lambda: page.find(clear).get_attribute("disabled") is not None)
    assert mistakes(page.driver) == []


def test_a_fault_of_the_plant_appears_is_acknowledged_and_ends(page: Page, site: Site) -> None:
    page.press(f"{SUMMARY}/start")
    page.until(lambda: site.state == "Running")
    site.plant.set("/components/pcs_1", {"overtemperature": True})
    page.until(lambda: "Fault" in page.text('[data-place="ess.state"]'))
    # The cause stays in sight when what comes of it is a fault as well.
    page.until(lambda: "[current_fault] 3" in page.text("#banners") and "ESS: " in page.text("#banners"))
    page.tab("alarms")
    page.until(lambda: "stands" in page.text("main"))

    def seen() -> bool:
        # One may come while the others are acknowledged.
        everything = page.find("#acknowledge-all")
        if everything.is_enabled():
            everything.click()
        return ", 0 not acknowledged" in page.text("main") and page.text("#banners") == ""

    page.until(seen)
    assert "by Ada" in page.text("main")
    site.plant.set("/components/pcs_1", {"overtemperature": False})
    page.tab("overview")

    def cleared() -> bool:
        # Refused for as long as the device reports the fault.
        if page.find("#set").is_displayed():
            page.find("#set-cancel").click()
        page.find(f'[data-control="{SUMMARY}/clear_faults"] button').click()
        page.find("#set-go").click()
        return site.state == "Off"

    page.until(cleared)
    page.tab("alarms")
    page.until(lambda: seen() and "No alarms, no faults." in page.text("main"))
    assert mistakes(page.driver) == []


def test_a_device_that_is_lost_and_a_broker_that_is_restarted(page: Page, site: Site) -> None:
    page.until(lambda: page.text('[data-place="bms.soc"]').endswith("%"))
    bridge, broker = site.child("bms_bridge"), site.child("broker")
    bridge.suspend()
    page.until(lambda: "bms_bridge does not answer" in page.text("#banners"))
    bridge.resume()
    page.until(lambda: "bms_bridge" not in page.text("#banners"))
    broker.suspend()
    page.until(lambda: "No broker" in page.text("#banners"))
    assert "not valid" in page.text('[data-place="bms.soc"]')
    broker.resume()
    broker.kill()
    page.until(lambda: site.child("broker").pid != broker.pid)
    page.until(lambda: not page.complains() and page.text('[data-place="bms.soc"]').endswith("%"))
    assert mistakes(page.driver) == []
    # The one that cleans up after the tests notices it too.
    site.until(lambda: site.state)


def test_the_page_comes_back_when_ess_web_does(
    page: Page, site: Site, start: Callable[..., Process], folder: Path, driver: webdriver.Chrome, port: int
) -> None:
    page.until(lambda: page.text('[data-place="bms.soc"]').endswith("%"))
    with Bus(site.bus.endpoint, name="test") as bus:
        (own,) = [one for one in bus.get("/bus/clients") if one["name"] == "ess_web"]
    stop(own["pid"])
    page.until(lambda: "No connection to ess_web" in page.text("#banners"))
    assert "not valid" in page.text('[data-place="bms.soc"]')
    start_web(start, folder, bus=site.bus.endpoint, port=port)
    page.until(lambda: not page.complains() and page.text('[data-place="bms.soc"]').endswith("%"))
    assert page.text("#who") == "Ada (operator)"


def test_viewers_see_and_cannot_act_and_text_of_the_bus_is_no_markup(page: Page, site: Site) -> None:
    page.log_in("viewer")
    button = page.until(lambda: page.find(f'[data-control="{SUMMARY}/start"] button'))
    assert button.get_attribute("disabled") is not None
    evil = "<img src=x onerror=document.title='evil'>"
    page.tab("listen")
    page.type("#listen-prefix", "/evil")
    with Bus(site.bus.endpoint, name="evil") as bus:

        def shown() -> bool:
            bus.publish("/evil/<b>x", {"<i>name": evil})
            return evil in page.text("#lines")

        page.until(shown)
        page.tab("tree")
        page.type("#search", "/evil")
        page.until(lambda: evil in page.text("#tree"))
    assert page.driver.find_elements(By.CSS_SELECTOR, "main img, main i, main b") == []
    assert page.driver.find_elements(By.CSS_SELECTOR, "#tree tr button:nth-child(2)") == []
    page.tab("broker")
    page.until(lambda: "ess_controller" in page.text("#clients"))
    assert page.driver.title == "ess-bus"


def stop(pid: int) -> None:
    """End a dashboard, and wait until it is gone."""
    process = psutil.Process(pid)
    process.terminate()
    process.wait(60)
