"""An application on a fresh database, with a survey, and people: Lin publishes, Rui only reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.access import hash_password
from app.main import create_app, release_due
from app.settings import Settings
from surveys.authoring import load
from surveys.simulate import DEMO, arrivals, simulate
from surveys.store import collect, people, publish
from surveys.store.database import open_database, writing
from surveys.store.migrate import upgrade
from surveys.tables import Survey

PASSWORD = "correct horse battery staple"
HASHED = hash_password(PASSWORD)
CUSTOMER = load("pfs_customer").variant(include=("stage_importance",))
SETTINGS = Settings("sqlite://", public_url="http://testserver")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    """A fresh SQLite database on disk."""
    engine = open_database(f"sqlite:///{tmp_path / 'app.sqlite3'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def survey(database: Engine) -> Survey:
    """The customer questionnaire, published and open."""
    with writing(database) as session:
        people.add(session, "Lin", HASHED, "officer", date(2026, 1, 1))
        people.add(session, "Rui", HASHED, "researcher", date(2026, 1, 1))
        return publish.publish(
            session,
            CUSTOMER,
            slug="harbour",
            bank="Harbour Bank",
            wave="2026-2",
            opens_on=date(2026, 1, 1),
            closes_on=None,
            today=date(2026, 1, 1),
        )


@pytest.fixture
def client(database: Engine, survey: Survey) -> Iterator[TestClient]:
    """A stranger's browser."""
    with TestClient(create_app(SETTINGS, database), follow_redirects=True) as made:
        yield made


@pytest.fixture
def lin(client: TestClient) -> TestClient:
    """The quality officer's browser, signed in."""
    return sign_in(client, "Lin")


def sign_in(client: TestClient, name: str) -> TestClient:
    """Sign a person in."""
    answer = client.post("/sign-in", data={"name": name, "password": PASSWORD, "next": "/"})
    assert answer.status_code == 200
    return client


def token(page: str) -> str:
    """The CSRF token of a page of the desk."""
    return page.split('name="csrf" value="')[1].split('"')[0]


def fill(database: Engine, survey: Survey, n: int, seed: int = 1) -> None:
    """Let simulated customers answer, and release what they sent."""
    questionnaire = publish.questionnaire_of(survey)
    coming = arrivals(simulate(questionnaire, n, DEMO, np.random.default_rng(seed)))
    with database.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        collect.ingest(connection, survey.id or 0, collect.codebook_of(survey), coming)
    release_due(database, SETTINGS)


@pytest.fixture
def shop(engine: Engine) -> Survey:
    """The customer questionnaire, open, on both databases in turn."""
    with writing(engine) as session:
        return publish.publish(
            session,
            CUSTOMER,
            slug="harbour",
            bank="Harbour Bank",
            wave="2026-2",
            opens_on=date(2026, 1, 1),
            closes_on=None,
            today=date(2026, 1, 1),
        )


@pytest.fixture
def browser(engine: Engine, shop: Survey) -> Iterator[TestClient]:
    """A stranger's browser."""
    with TestClient(create_app(SETTINGS, engine)) as made:
        yield made
