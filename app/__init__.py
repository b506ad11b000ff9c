"""What is read and done: pages, downloads, command line.  The only package that knows HTTP."""

import os

VERSION = "0.1.0"
# The matrices here are small: further threads of the linear algebra only wait for each other, at full load.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def version() -> str:
    """Version of the code, printed on every report."""
    return VERSION
