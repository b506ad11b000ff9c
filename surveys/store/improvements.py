"""What was changed because of a survey, told to those who answered it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, select
from sqlmodel import Session, col

from surveys.coding import clean_text
from surveys.store.publish import Complaint, Unpublishable
from surveys.tables import Improvement, Survey

LONGEST = 1000


def add(session: Session, survey: Survey, unit: str, done_on: date, words: Mapping[str, str]) -> Improvement:
    """Publish one.

    Parameters
    ----------
    session, survey
    unit : str
        The branch that changed something; "" for the whole bank.
    done_on : date
    words : mapping
        Language -> what was changed, in each of the questionnaire's languages.

    Raises
    ------
    Unpublishable
        With a sentence for each thing that is wrong.
    """
    unit = unit.strip()
    told = {language: clean_text(words.get(language, "")) for language in survey.definition["languages"]}
    wrong = [Complaint("unit", "unit", str(len(unit)))] if len(unit) > 80 else []
    for language, text in told.items():
        if not 1 <= len(text) <= LONGEST:
            wrong.append(Complaint(f"words-{language}", "told", str(len(text)), str(LONGEST)))
    if wrong:
        raise Unpublishable(wrong)
    found = Improvement(survey_id=survey.id or 0, unit=unit, done_on=done_on, words=told)
    session.add(found)
    session.flush()
    return found


def all_of(session: Session, survey_id: int) -> list[Improvement]:
    """The improvements of a survey, the newest first."""
    query = select(Improvement).where(col(Improvement.survey_id) == survey_id)
    return list(session.scalars(query.order_by(col(Improvement.done_on).desc(), col(Improvement.id).desc())))


def told_to(connection: Connection, survey_id: int, unit: str | None = None) -> list[tuple[str, date, dict[str, str]]]:
    """Branch, day and words of what is told, the newest first.

    Parameters
    ----------
    connection, survey_id
    unit : str, optional
        Of whom: the branch itself and the bank as a whole; all when not given.
    """
    query = select(col(Improvement.unit), col(Improvement.done_on), col(Improvement.words)).where(
        col(Improvement.survey_id) == survey_id
    )
    if unit is not None:
        query = query.where(col(Improvement.unit).in_({"", unit}))
    rows = connection.execute(query.order_by(col(Improvement.done_on).desc(), col(Improvement.id).desc()))
    return [(name, day, dict(words)) for name, day, words in rows]


def take_back(session: Session, survey_id: int, number: int) -> bool:
    """Delete one; False when there is none of that number."""
    found = session.get(Improvement, number)
    if found is None or found.survey_id != survey_id:
        return False
    session.delete(found)
    return True
