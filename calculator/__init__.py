"""The variable calculator: derived variables such as `BMSPower`."""
