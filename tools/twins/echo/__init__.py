"""Registers of real devices, made of the fields of the models, and acting on them (reference: engine.md 5.4)."""
