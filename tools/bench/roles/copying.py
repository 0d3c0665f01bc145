"""What an engine cannot do without: take each pub, decode it, publish its values elsewhere."""

from __future__ import annotations

from tools.bench import maps
from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client
from tools.bench.peers.ours import bus_of


async def copy(client: Client, _job: Job, parent: Parent) -> None:
    """Publish the values of every device as the engine would, until stopped; no map, no actions, no monitors."""
    bus = bus_of(client)
    targets = {maps.device_uri(number): f"/ess{maps.status_uri(number)}" for number in range(maps.DEVICES)}
    with bus.subscribe("/components", pub_only=True) as messages:
        parent.say("ready")
        for message in messages:
            bus.publish(targets[message.uri], message.json())
