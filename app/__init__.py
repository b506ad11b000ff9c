"""What is read and done: pages, downloads, command line.  The only package that knows HTTP."""

VERSION = "0.1.0"


def version() -> str:
    """Version of the code, printed on every report."""
    return VERSION
