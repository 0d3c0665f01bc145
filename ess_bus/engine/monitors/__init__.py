"""Monitors: what must not last, how long it may, and what is said when it does (engine.md 3.7).

::

    value -> a check (limits, still, condition, expressions) -> Finding -> Trip: timers, raised or not -> Monitor: lists

Checks and trips are pure. A value holds from when it was set until it is set again, so what a trip does depends on the
values and their times alone, not on how often anybody looks; `Monitor` asks to be woken when a timer runs out.
"""
