"""What is read and done: pages, downloads, command line.  The only package that knows HTTP."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _installed


def version() -> str:
    """Version of the code, printed on every report."""
    try:
        return _installed("fivegaps")
    except PackageNotFoundError:
        return "0.1.0"
