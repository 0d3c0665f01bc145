"""Numbers over time and in tables: averages, ramps, look-ups. Pure; times are passed in."""
