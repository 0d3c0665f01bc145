"""Modbus bridges: a device on the bus (`modbus_client`), the bus as a device (`modbus_server`).

A comment that cites modbus.md with a number, as in "modbus.md 1.2", means the description of the original programs that
this package is compatible with. It is no part of this project; docs/modbus.md is another page.
"""
