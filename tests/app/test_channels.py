"""Links of a survey: what came by each, a piece of HTML for the bank's pages, many at once or none."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from surveys.store import fieldwork, publish
from surveys.store.database import reading, writing
from surveys.tables import Survey
from tests.app.conftest import token


def units(database: Engine, survey: Survey) -> list[str]:
    with reading(database) as session:
        return [link.unit for link in publish.links(session, survey)]


def test_each_link_has_its_own_counts(lin: TestClient, database: Engine, survey: Survey) -> None:
    with writing(database) as session:
        code = publish.add_link(session, survey, "North", "counter").code
        for step, times in ((fieldwork.OPENED, 1234), (fieldwork.STARTED, 56), (fieldwork.SENT, 7)):
            fieldwork.add_steps(session.connection(), {(survey.id or 0, code, step): times})
    page = lin.get("/surveys/harbour").text
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "North" in row]
    assert re.findall(r'<td class="r">([\d,]+)</td>', row) == ["1,234", "56", "7"]


def test_website_link_comes_with_html_that_holds_no_script(lin: TestClient) -> None:
    csrf = token(lin.get("/surveys/harbour").text)
    page = lin.post("/surveys/harbour/links", data={"csrf": csrf, "unit": '"><script>', "channel": "website"}).text
    (text,) = re.findall(r"<textarea id=\"snippet-[a-z]{7}\"[^>]*>(.*?)</textarea>", page)
    assert "<" not in text
    assert re.fullmatch(
        r'<a href="http://testserver/s/harbour/[a-z]{7}" rel="noopener">Tell us how our service was</a>',
        html.unescape(text),
    )


def test_many_links_are_made_at_once(lin: TestClient, database: Engine, survey: Survey) -> None:
    csrf = token(lin.get("/surveys/harbour").text)
    lines = "North\n\n  South Gate \r\n东门"
    assert lin.post("/surveys/harbour/links/many", data={"csrf": csrf, "units": lines}).status_code == 200
    assert sorted(units(database, survey)) == ["North", "South Gate", "东门"]
    lin.post("/surveys/harbour/links/many", data={"csrf": csrf, "units": "North\nWest"})
    assert sorted(units(database, survey)) == ["North", "South Gate", "West", "东门"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("North\n" + "x" * 81, "Line 2 has 81 characters; allowed are 1 to 80. No link was made."),
        ("North\nSouth\nNorth", "Line 3, “North”, stands in line 1 already. No link was made."),
        (" \n", "The list has 0 branches; allowed are 1 to 500. No link was made."),
        ("\n".join(map(str, range(501))), "The list has 501 branches; allowed are 1 to 500. No link was made."),
    ],
)
def test_list_with_a_bad_line_makes_no_link(
    lin: TestClient, database: Engine, survey: Survey, lines: str, said: str
) -> None:
    csrf = token(lin.get("/surveys/harbour").text)
    page = lin.post("/surveys/harbour/links/many", data={"csrf": csrf, "units": lines})
    assert page.status_code == 422 and said in page.text and lines.splitlines()[-1] in page.text
    assert units(database, survey) == []
