"""Addresses as people type them."""

from __future__ import annotations

import pytest

from modbus_bridge.addresses import address_of, with_settings_of
from modbus_bridge.config.model import Serial, Tcp


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("10.0.0.5:1502", Tcp("10.0.0.5", 1502)),
        ("bms.local:502", Tcp("bms.local", 502)),
        ("[fe80::1%eth0]:503", Tcp("fe80::1%eth0", 503)),
        ("/dev/ttyUSB0", Serial("/dev/ttyUSB0")),
        ("/dev/ttyUSB0:9600", Serial("/dev/ttyUSB0", 9600)),
        ("/dev/pts/3:19200:7E2", Serial("/dev/pts/3", 19200, "even", 7, 2)),
    ],
)
def test_addresses(typed: str, address: Tcp | Serial) -> None:
    assert address_of(typed) == address
    assert address_of(typed, 1) == address


@pytest.mark.parametrize(
    "typed", ["", "a b:1", "::1", "host:", "host:65536", "host:-1", "h:1:2", "/dev/x:0", "/dev/x:9600:9N1"]
)
def test_what_is_none(typed: str) -> None:
    for default_port in (None, 502):
        with pytest.raises(ValueError, match=r"expected .*/dev/LINE"):
            address_of(typed, default_port)


def test_a_port_may_be_usual() -> None:
    assert address_of("bms.local", 502) == Tcp("bms.local", 502)
    assert address_of("[::1]", 502) == Tcp("::1", 502)
    for typed in ("bms.local", "[::1]"):
        with pytest.raises(ValueError, match=r"expected HOST:PORT"):
            address_of(typed)


def test_a_serial_line_takes_over_settings_unless_it_has_its_own() -> None:
    configured = Serial("/dev/ttyS0", 9600, "even")
    assert with_settings_of(Serial("/dev/ttyUSB1"), configured) == Serial("/dev/ttyUSB1", 9600, "even")
    assert with_settings_of(Serial("/dev/ttyUSB1", 1200), configured) == Serial("/dev/ttyUSB1", 1200)
    assert with_settings_of(Tcp("h", 1), configured) == Tcp("h", 1)
