"""``make bench``: this bus beside others, in one run, on one machine.

A *row* measures one idea for several *subjects*: this bus first, then its peers (`rows/`, one file an idea). A *peer*
is a broker with the client that its users use (`peers/`, one file each). `registry` lists both. Publishers, brokers and
subscribers are processes of their own (`processes`, `worker`, `roles/`); what only counts, compares and renders does no
I/O (`row`, `scale`, `pacing`, `payload`, `quantiles`, `verdict`, `table`, `report`).
"""
