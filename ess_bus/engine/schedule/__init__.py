"""What happens at its own times: scheduled items, and lists of variables that functions look at (engine.md 3.1-3.3).

::

    commands, /sched tables --> Schedule (items) --+--> variables are set, functions are called
    /schedule/wake_monitor  --> WakeLists        --+        |
                                                        Timings: how late, how long

All times are seconds since the engine was started, as people see them in ``runTime`` and ``endTime``; a grid says when
something is due, and what comes too late is skipped and counted.
"""
