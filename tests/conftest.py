"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# No test passes or fails by how fast the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
