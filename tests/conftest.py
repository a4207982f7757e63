"""What every test stands on: reproducible properties, and Qt only where it is installed."""

import importlib.util

from hypothesis import HealthCheck, settings

# Qt's fixtures belong to the tests of the app; without PySide6 all other tests run just the same.
pytest_plugins = ["pytestqt.plugin"] if importlib.util.find_spec("PySide6") else []

# Examples are derived from the test itself, so a run repeats; a slow shared machine is no failure.
settings.register_profile("offload", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("offload")
