"""The version of the installed package."""

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("offload")
    except PackageNotFoundError:
        return "0 (not installed)"
