"""``make soak``: the real bridge at a device that misbehaves. Is everything that it publishes true or marked?

A broker and a ``modbus_client`` are processes of their own. The device (`tools.awkward`) is in this process, so that
what was published can be compared with what the device said. `site` is what is polled; `checker`, `ledger`, `pace` and
`memory` judge values, sets, regularity and memory, and do no I/O; `run` moves everything, `report` shows it.
"""
