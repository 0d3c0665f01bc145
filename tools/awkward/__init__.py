"""A Modbus TCP device that misbehaves on purpose: what a bridge has to survive, and a record of what it was told.

As a library, in the process that checks somebody else's client:

    async with AwkwardDevice(Odds({Misdeed.STALL: 0.01}, seed=1), units=(1, 2)) as device:
        ...  # a client polls 127.0.0.1, device.port
        device.records.answers(1, RegisterType.HOLDING)

As a command, ``python -m tools.awkward --help``. It speaks Modbus itself (`frames`): a Modbus library would not let it
send what is wrong. `misdeeds` says what can go wrong and when, `registers` what is in the device, `records` what was
said; these do no I/O.
"""

from tools.awkward.device import AwkwardDevice
from tools.awkward.misdeeds import GOOD, Deed, Misdeed, Odds, Plan, Script
from tools.awkward.records import Answer, Records, Written

__all__ = ["GOOD", "Answer", "AwkwardDevice", "Deed", "Misdeed", "Odds", "Plan", "Records", "Script", "Written"]
