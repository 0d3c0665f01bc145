"""``ess_view``: the live single line of a site in a terminal, and the keys that operate it.

What is shown is made of frozen data by modules without I/O (`store` -> `picture`); `feed` speaks with the bus; `app`,
`widgets` and `screens` are how it looks.
"""
