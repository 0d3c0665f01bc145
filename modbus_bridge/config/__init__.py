"""The Modbus configuration formats, read into one model."""
