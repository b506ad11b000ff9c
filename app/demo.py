"""The demonstration: a simulated campaign of the built-in questionnaire."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from sqlalchemy import Engine

from app.settings import Settings
from surveys.authoring import load
from surveys.simulate import DEMO, Plan, arrivals, simulate
from surveys.store import collect, publish, releases
from surveys.store.database import reading, writing

SLUG = "demo"
RESPONDENTS = 658
SEED = 20260907


def build_demo(engine: Engine, settings: Settings, n: int = RESPONDENTS) -> bool:
    """Make the demonstration's survey once; False when it is there already."""
    with reading(engine) as session:
        if publish.find(session, SLUG):
            return False
    print(f"Simulating {n} customers of a bank that does not exist …", flush=True)
    today = settings.today()
    first = today - timedelta(days=28)
    questionnaire = load("pfs_customer").variant(include=("stage_importance",))
    plan = Plan(**{**{name: getattr(DEMO, name) for name in DEMO.__dataclass_fields__}, "first_day": first})
    campaign = simulate(questionnaire, n, plan, np.random.default_rng(SEED))
    with writing(engine) as session:
        survey = publish.publish(
            session,
            questionnaire,
            slug=SLUG,
            bank="Harbour Commercial Bank",
            wave=f"{today.year}-2",
            opens_on=first,
            closes_on=None,
            today=today,
            simulated=True,
        )
        for unit in ("Riverside", "South Station"):
            publish.add_link(session, survey, unit, "branch")
        connection = session.connection()
        collect.ingest(connection, survey.id or 0, collect.codebook_of(survey), arrivals(campaign))
        releases.release(connection, survey.id or 0, today)
    return True
