"""Modbus bridges: a device on the bus (`modbus_client`), the bus as a device (`modbus_server`)."""
