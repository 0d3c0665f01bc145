"""What a Modbus client is on the bus: what it publishes, answers and carries out."""
