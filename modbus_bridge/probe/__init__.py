"""Looking at a device without a bus: which registers it has, and what is in them (`modbus_client --probe`)."""
