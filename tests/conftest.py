"""What holds for all tests."""

import signal

from hypothesis import HealthCheck, settings

# Who starts the tests in the background of a shell may have them ignore these, and every process of theirs as well.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

# No test passes or fails by how fast the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
