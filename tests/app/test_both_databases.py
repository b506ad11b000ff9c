"""The whole main job on SQLite and on PostgreSQL: publish, answer, release, report, download, withdraw."""

import re
from datetime import date

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.access import hash_password
from app.main import create_app, release_due
from surveys.authoring import load
from surveys.store import people, publish, releases
from surveys.store.database import writing
from tests.app.conftest import SETTINGS, fill, sign_in
from tests.app.test_respond import go_through


def test_main_job(engine: Engine) -> None:
    with writing(engine) as session:
        people.add(session, "Lin", hash_password("correct horse battery staple"), "officer", date(2026, 1, 1))
        survey = publish.publish(
            session,
            load("pfs_customer").variant(include=("stage_importance",)),
            slug="harbour",
            bank="Harbour Bank",
            wave="2026-2",
            opens_on=date(2026, 1, 1),
            closes_on=None,
            today=date(2026, 1, 1),
        )
    with TestClient(create_app(SETTINGS, engine)) as client:
        done = go_through(client, survey, comment_praise="很好")
        code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", done.text)
        assert code
        fill(engine, survey, 60)
        sign_in(client, "Lin")
        assert client.get("/surveys/harbour/report.json").json()["meta"]["n"] == 61
        assert client.get("/surveys/harbour/report").status_code == 200
        assert len(client.get("/surveys/harbour/data.csv").text.splitlines()) == 62
        assert "很好" in client.post("/s/harbour/receipt", data={"code": code[0]}).text
        client.post("/s/harbour/receipt/withdraw", data={"code": code[0], "confirm": "yes"})
        assert client.get("/surveys/harbour/report.json").json()["meta"]["n"] == 61  # not before the next release
        fill(engine, survey, releases.BATCH)
        release_due(engine, SETTINGS)
        assert client.get("/surveys/harbour/report.json").json()["meta"]["n"] == 65
