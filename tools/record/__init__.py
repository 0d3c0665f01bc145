"""What ``fims_record`` and ``fims_replay`` are made of.

A recording is one SQLite file. `entry` says what is in it, `schema` how; `packing` makes bodies small. `writer`
appends, `keeper` does so from a thread and rotates; `reader` reads what `selection` chooses; `capture` reads texts
of ``fims_listen``; `samples`, `exporting` and `plotting` turn messages into tables and pictures; `spacing` and
`replaying` send them again.
"""
