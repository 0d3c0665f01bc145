"""A device without a bus: registers that hold plausible values, take what masters write, and may wander."""
