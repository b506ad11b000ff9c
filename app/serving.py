"""What uvicorn's processes load."""

import os

from fastapi import FastAPI

from app.main import create_app
from app.settings import from_environment


def app() -> FastAPI:
    """The application of this process."""
    return create_app(from_environment(demo=os.environ.get("FIVEGAPS_DEMO") == "1"))
