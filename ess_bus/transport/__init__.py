"""How frames reach the broker: one small seam, ZeroMQ behind it."""
