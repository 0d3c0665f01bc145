"""Modbus RTU: frames and the serial line, for both ends of it."""
