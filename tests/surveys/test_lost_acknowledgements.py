"""Thousands of answers whose acknowledgement was lost and which were sent again: each is stored once."""

from __future__ import annotations

import os
import random
from datetime import date

from sqlalchemy import Engine, text

from surveys.authoring import load
from surveys.coding import codebook
from surveys.store import publish
from surveys.store.collect import Arrival, receipt_code
from surveys.store.database import Writer, writing
from surveys.store.invitations import take_in

QUESTIONNAIRE = load("pfs_customer").variant("perception_only")
BOOK = codebook(QUESTIONNAIRE)
MANY = 10_000 if os.environ.get("FIVEGAPS_LONG") else 2_000


def test_lost_acknowledgements_store_no_duplicate(engine: Engine) -> None:
    with writing(engine) as session:
        survey = publish.publish(
            session, QUESTIONNAIRE, slug="s", bank="B", wave="1", opens_on=date(2026, 1, 1), closes_on=None,
            today=date(2026, 1, 1),
        )  # fmt: skip
    survey_id, draw = survey.id or 0, random.Random(1)
    sent = [Arrival(f"{n:032d}", bytes(len(BOOK)), {}, "en", date(2026, 1, 2), drafted=False) for n in range(MANY)]
    tries = sent + sent  # the first acknowledgement of each is lost, and the second try may overtake the first
    draw.shuffle(tries)
    writer = Writer(engine)
    codes = [
        (arrival.key, writer.submit(lambda connection, a=arrival: take_in(connection, survey_id, BOOK, a, "")))
        for arrival in tries
    ]
    assert all(future.result(timeout=300) == [receipt_code(key)] for key, future in codes)
    writer.stop()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM waiting")).scalar_one() == MANY
        assert connection.execute(text("SELECT count(DISTINCT receipt_hash) FROM waiting")).scalar_one() == MANY
