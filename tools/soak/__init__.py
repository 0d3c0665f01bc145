"""``make soak``: the real bridge at a device that misbehaves. Is everything that it publishes true or marked?

A broker and a ``modbus_client`` are processes of their own. The device (`tools.awkward`) is in this process, so that
what was published can be compared with what the device said. `site` is what is polled; `checker`, `ledger`, `pace`,
`memory` and `log` judge values, sets, regularity, memory and what the bridge says of itself, and do no I/O; `run` moves
everything, `show` shows it.
"""
