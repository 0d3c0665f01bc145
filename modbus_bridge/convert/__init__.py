"""From a Modbus configuration to files: normalised, of a simulator, of a client, from a spreadsheet."""
