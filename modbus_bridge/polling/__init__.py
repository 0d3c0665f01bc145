"""The way to a device: what is asked, when, by whom, and what becomes of it."""
