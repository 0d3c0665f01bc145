"""What masters find: registers that follow their owners on the bus."""
