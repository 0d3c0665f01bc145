"""The broker: routes every message by URI prefix."""
