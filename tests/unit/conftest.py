import pytest

from tests.wire import Wire


@pytest.fixture
def wire() -> Wire:
    """A broker without clients."""
    return Wire()
