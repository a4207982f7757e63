"""What every test stands on: reproducible properties, and Qt only where it is installed."""

import importlib.util
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Qt's fixtures belong to the tests of the app; without PySide6 all other tests run just the same.
HAS_QT = importlib.util.find_spec("PySide6") is not None
pytest_plugins = ["pytestqt.plugin"] if HAS_QT else []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings of pytest-qt where it is not loaded: pytest refuses what it does not know."""
    if not HAS_QT:
        parser.addini("qt_log_level_fail", "of pytest-qt")
        parser.addini("qt_log_ignore", "of pytest-qt", type="linelist")


# Examples are derived from the test itself, so a run repeats; a slow shared machine is no failure.
settings.register_profile("offload", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("offload")


@pytest.fixture(scope="session", autouse=True)
def _data_folder_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have the demo model unpacked, and measurements kept, in folders of the tests' own, where the system lets us."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
