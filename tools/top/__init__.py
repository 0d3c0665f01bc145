"""``fims_top``: the tree of all URIs on a bus, with values, rates and ages.

`tree` and `rows` are what is shown, without I/O and without a clock; `listening` is the bus, `app` and `lines` are how
it looks.
"""
