"""Registers <-> values: what the bits of a point mean, and what a set changes in them; pure."""
