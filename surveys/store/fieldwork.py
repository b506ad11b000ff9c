"""How far people get on their way through the form, in numbers that name nobody."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy import text as statement
from sqlmodel import col

from surveys.tables import Reached

OPENED = 0
"""The welcome page was shown; then come the pages of the form, each counted when it is passed."""
STARTED, SENT, TURNED = 1001, 1002, 1003
"""The form was begun; the answers were sent; somebody was told that there are enough answers."""
MAIL = "@mail"
"""The way in of personal links; short links have their code, the public address has ""."""

Step = tuple[int, str, int]
"""Survey, way in, step."""
_ADD = statement(
    "INSERT INTO reached (survey_id, way, step, times) VALUES (:survey_id, :way, :step, :times) "
    "ON CONFLICT (survey_id, way, step) DO UPDATE SET times = reached.times + :times"
)


def device_way(number: int) -> str:
    """The way in of a kiosk.

    Parameters
    ----------
    number : int
        The device's id.
    """
    return f"@device{number}"


def add_steps(connection: Connection, counted: Mapping[Step, int]) -> None:
    """Add what was counted to what stands already.

    Parameters
    ----------
    connection
        An open transaction.
    counted
        Step -> how often it was reached since the last time.
    """
    rows = [
        {"survey_id": survey_id, "way": way, "step": step, "times": times}
        for (survey_id, way, step), times in sorted(counted.items())
    ]
    if rows:
        connection.execute(_ADD, rows)


def steps_of(connection: Connection, survey_id: int) -> dict[str, dict[int, int]]:
    """Way in -> step -> how often it was reached.

    Parameters
    ----------
    connection, survey_id
    """
    found: dict[str, dict[int, int]] = {}
    query = select(col(Reached.way), col(Reached.step), col(Reached.times)).where(col(Reached.survey_id) == survey_id)
    for way, step, times in connection.execute(query):
        found.setdefault(way, {})[step] = times
    return found
