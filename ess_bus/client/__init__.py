"""`Bus` and `AsyncBus`: two thin shells around one core without I/O."""
