"""Where every command starts: an interrupt ends it without a traceback, however early it comes.

Importing a command takes a good part of its start. Until it is ready to catch a `KeyboardInterrupt`
(`ess_bus.interrupts.take_over`), SIGINT ends it as it ends any other program.
"""

from __future__ import annotations

import signal
import sys

# First of all, and with as few imports before it as can be.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

COMMANDS = {
    "fims_server": "ess_bus.broker.command",
    "fims_send": "tools.fims_send",
    "fims_listen": "tools.fims_listen",
    "fims_echo": "tools.fims_echo",
    "fims_trigger": "tools.fims_trigger",
    "fims_record": "tools.fims_record",
    "fims_replay": "tools.fims_replay",
    "ess_controller": "ess_bus.engine.command",
    "modbus_client": "modbus_bridge.client",
    "modbus_server": "modbus_bridge.server",
    "modbus_bridge": "modbus_bridge.convert.command",
    "calculator": "calculator.command",
    "twins": "tools.twins.command",
    "hybridos": "tools.hybridos.command",
    "ess_site": "tools.ess_site.command",
    "ess_web": "tools.ess_web.command",
    "ess_view": "tools.view.command",
    "fims_top": "tools.top.command",
}


def main() -> None:
    """Console entry point of all commands: the name it was called by says which."""
    from importlib import import_module

    import_module(COMMANDS[sys.argv[0].rpartition("/")[2]]).main()
