"""Actions: what follows when a variable is set (engine.md 2.6).

::

    configured --reading--> steps (item) --running: conditions--> effects --cascade--> values, messages, calls
"""
