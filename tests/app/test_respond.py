"""A customer's way through the form, without script: nothing is lost, nothing counts twice."""

import re
from datetime import date

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from surveys.coding import codebook
from surveys.form import pages
from surveys.store import collect, lifecycle, publish
from surveys.store.database import writing
from surveys.tables import Survey


def count(database: Engine, table: str) -> int:
    with database.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def answers_for(survey: Survey, number: int, level: str = "5") -> dict[str, object]:
    """Valid answers for one page."""
    page = pages(publish.questionnaire_of(survey))[number - 1]
    book = codebook(publish.questionnaire_of(survey))
    posted: dict[str, object] = {}
    for card in page.cards:
        if card.kind in ("rating", "levels"):
            posted |= {row.name: level for row in card.rows}
        elif card.kind == "points":
            names = [book.fields[field].name for field in card.fields]
            posted |= dict.fromkeys(names, "0") | {names[0]: "60", names[1]: "40"}
        elif card.question and card.question.options:
            posted[card.name] = card.question.options[0].code
    return posted


def where(answer: Response) -> str:
    return answer.url.path


def start(client: TestClient, path: str = "/s/harbour") -> Response:
    return client.post(f"{path}/start", data={})


def go_through(client: TestClient, survey: Survey, last: int = 10, **more: object) -> Response:
    answer = start(client)
    while (at := re.fullmatch(r"/s/harbour/(\d+)", where(answer))) and int(at[1]) <= last:
        extra = more if int(at[1]) == 10 else {}
        answer = client.post(where(answer), data=answers_for(survey, int(at[1])) | extra)
    return answer


def test_whole_way_ends_with_a_receipt_and_one_answer(client: TestClient, survey: Survey, database: Engine) -> None:
    answer = go_through(client, survey)
    assert where(answer) == "/s/harbour/thanks"
    assert re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", answer.text)
    assert (count(database, "waiting"), count(database, "draft")) == (1, 0)


def test_each_page_in_its_turn_skips_what_is_not_met(client: TestClient, survey: Survey) -> None:
    answer = go_through(client, survey, last=8)
    assert where(answer) == "/s/harbour/10"  # no problem, so no questions about one


def test_missing_answers_are_pointed_at_once_then_let_through(client: TestClient, survey: Survey) -> None:
    start(client)
    posted = answers_for(survey, 1)
    left_out = next(iter(posted))
    del posted[left_out]
    answer = client.post("/s/harbour/1", data=posted)
    assert answer.status_code == 422
    assert answer.text.count(" checked") == len(posted)
    assert where(client.post("/s/harbour/1", data=posted | {"seen": "1"})) == "/s/harbour/2"


def test_wrong_value_comes_back_with_its_message_and_all_answers(client: TestClient, survey: Survey) -> None:
    start(client)
    posted = answers_for(survey, 1)
    first = next(iter(posted))
    answer = client.post("/s/harbour/1", data=posted | {first: "8", "seen": "1"})
    assert answer.status_code == 422
    assert answer.text.count(" checked") == len(posted) - 1
    assert "1 to 7" in answer.text or "1–7" in answer.text


def test_points_that_miss_the_sum_are_kept_and_explained(client: TestClient, survey: Survey) -> None:
    go_through(client, survey, last=6)
    posted = answers_for(survey, 7) | {"importance__reliability": "30"}
    answer = client.post("/s/harbour/7", data=posted)
    assert answer.status_code == 422
    assert 'value="30"' in answer.text
    assert "90" in answer.text


def test_back_button_of_the_page_keeps_what_was_chosen(client: TestClient, survey: Survey) -> None:
    start(client)
    client.post("/s/harbour/1", data=answers_for(survey, 1))
    half = dict(list(answers_for(survey, 2).items())[:3])
    back = client.post("/s/harbour/2", data=half | {"go": "back"})
    assert (where(back), back.text.count(" checked")) == ("/s/harbour/1", 7)
    assert client.get("/s/harbour/2").text.count(" checked") == 3


def test_language_switch_keeps_place_and_answers(client: TestClient, survey: Survey) -> None:
    start(client)
    client.post("/s/harbour/1", data=answers_for(survey, 1))
    half = dict(list(answers_for(survey, 2).items())[:3])
    switched = client.post("/s/harbour/2", data=half | {"go": "zh-CN"})
    assert (where(switched), switched.text.count(" checked")) == ("/s/harbour/2", 3)
    assert '<html lang="zh-CN"' in switched.text
    assert "在一家优秀的银行" in switched.text


def test_language_of_the_browser_is_spoken(client: TestClient) -> None:
    page = client.get("/s/harbour", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"}).text
    assert '<html lang="zh-CN"' in page
    assert "个人理财服务" in page


def test_sending_twice_stores_once_and_shows_the_same_code(
    client: TestClient, survey: Survey, database: Engine
) -> None:
    go_through(client, survey, last=9)
    last = answers_for(survey, 10)
    first, second = (client.post("/s/harbour/10", data=last) for _ in range(2))
    again = client.get("/s/harbour/10")
    assert {where(answer) for answer in (first, second, again)} == {"/s/harbour/thanks"}
    assert count(database, "waiting") == 1


def test_reload_of_any_page_changes_nothing(client: TestClient, survey: Survey, database: Engine) -> None:
    start(client)
    for _ in range(2):
        assert where(client.post("/s/harbour/1", data=answers_for(survey, 1))) == "/s/harbour/2"
    assert count(database, "draft") == 1


def test_pages_cannot_be_jumped_over(client: TestClient, survey: Survey) -> None:
    start(client)
    assert where(client.get("/s/harbour/9")) == "/s/harbour/1"
    assert where(client.post("/s/harbour/10", data=answers_for(survey, 10))) == "/s/harbour/1"


def test_without_a_draft_the_page_says_how_to_start_again(client: TestClient) -> None:
    answer = client.get("/s/harbour/3")
    assert answer.status_code == 410
    assert "/s/harbour" in answer.text


def test_start_goes_on_where_the_draft_was(client: TestClient, survey: Survey) -> None:
    go_through(client, survey, last=3)
    assert where(start(client)) == "/s/harbour/4"


def test_branch_and_channel_of_the_link_travel_with_the_answers(
    client: TestClient, survey: Survey, database: Engine
) -> None:
    with writing(database) as session:
        link = publish.add_link(session, survey, "South Station", "counter")
    assert where(start(client, f"/s/harbour/{link.code}")) == "/s/harbour/1"
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 10):
        client.post(f"/s/harbour/{number}", data=answers_for(survey, number))
    with database.connect() as connection:
        assert connection.execute(text("SELECT unit, channel FROM waiting")).one() == ("South Station", "counter")


def test_receipt_shows_and_withdraws(client: TestClient, survey: Survey, database: Engine) -> None:
    done = go_through(client, survey, comment_praise="They <b>listen</b>")
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", done.text)
    assert code
    client.cookies.clear()
    shown = client.post("/s/harbour/receipt", data={"code": code[0]})
    assert "They &lt;b&gt;listen&lt;/b&gt;" in shown.text
    kept = client.post("/s/harbour/receipt/withdraw", data={"code": code[0]})
    assert (kept.status_code, count(database, "waiting")) == (200, 1)  # not without the tick
    client.post("/s/harbour/receipt/withdraw", data={"code": code[0], "confirm": "yes"})
    assert count(database, "waiting") == 0
    assert client.post("/s/harbour/receipt", data={"code": code[0]}).status_code == 404


@pytest.mark.parametrize("code", ["", "XXXX", "0000-0000-0000-0000", "'; DROP TABLE waiting; --", "码" * 50])
def test_wrong_receipt_code_opens_nothing(client: TestClient, code: str) -> None:
    assert client.post("/s/harbour/receipt", data={"code": code}).status_code == 404


def test_code_is_not_shown_without_the_sending_browser(client: TestClient, survey: Survey) -> None:
    go_through(client, survey)
    client.cookies.clear()
    assert where(client.get("/s/harbour/thanks")) == "/s/harbour"


def test_closed_survey_says_so_and_takes_nothing(client: TestClient, survey: Survey, database: Engine) -> None:
    with writing(database) as session:
        lifecycle.move(session, survey, "closed", date(2026, 3, 1))
    assert client.get("/s/harbour").status_code == 410
    assert start(client).status_code == 410
    assert count(database, "draft") == 0


@pytest.mark.parametrize(
    "path", ["/s/nothing", "/s/harbour/zzzzzzz", "/s/Harbour", "/s/harbour/../x", "/s/harbour/99999999999"]
)
def test_address_that_leads_nowhere_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (404, 410)


def test_form_from_another_site_is_refused(client: TestClient, database: Engine) -> None:
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert client.post("/s/harbour/start", data={}, headers=headers).status_code == 403
    assert count(database, "draft") == 0


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"go=\x00", b"a=1&" * 2000, b"%ff=%fe", b"seen=1;go=back", b"=", b"go=" + b"%F0%9F%92%A9" * 50],
)
def test_broken_bodies_are_refused_or_ignored_never_a_fault(client: TestClient, body: bytes) -> None:
    start(client)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/s/harbour/1", content=body, headers=kind)
    assert answer.status_code in (200, 400, 413, 422)


def test_body_that_is_too_large_is_refused(client: TestClient) -> None:
    start(client)
    answer = client.post("/s/harbour/1", data={"x": "a" * 300_000})
    assert answer.status_code == 413
    assert "256 kB" in answer.text


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_other_kinds_of_body_are_refused(client: TestClient, kind: str) -> None:
    start(client)
    assert client.post("/s/harbour/1", content=b"{}", headers={"content-type": kind}).status_code == 415


def test_pages_ask_no_third_party_and_run_no_inline_script(client: TestClient) -> None:
    start(client)
    for path in ("/s/harbour", "/s/harbour/1"):
        answer = client.get(path)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", answer.text)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_cookie_of_the_draft_is_kept_from_scripts(client: TestClient) -> None:
    answer = client.post("/s/harbour/start", data={}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/s/harbour" in cookie


def test_answers_are_acknowledged_only_when_on_disk(client: TestClient, survey: Survey, database: Engine) -> None:
    go_through(client, survey, last=9)
    blocker = database.execution_options(begin="BEGIN IMMEDIATE").connect()
    with blocker.begin():
        import threading

        answers: list[Response] = []
        sender = threading.Thread(
            target=lambda: answers.append(client.post("/s/harbour/10", data=answers_for(survey, 10)))
        )
        sender.start()
        sender.join(0.5)
        assert not answers  # nobody is thanked while the write has to wait
    sender.join(20)
    blocker.close()
    assert where(answers[0]) == "/s/harbour/thanks"
    assert count(database, "waiting") == 1


def test_key_in_the_cookie_is_stored_nowhere(client: TestClient, survey: Survey, database: Engine) -> None:
    go_through(client, survey)
    key = client.cookies["fg-harbour"]
    code = collect.receipt_code(key)
    with database.connect() as connection:
        tables = [row[0] for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
        held = str([connection.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables])
    assert key not in held
    assert code not in held


def test_follow_ups_of_a_choice_that_was_taken_back_are_not_sent(
    client: TestClient, survey: Survey, database: Engine
) -> None:
    questionnaire = publish.questionnaire_of(survey)
    all_pages, place = pages(questionnaire), codebook(questionnaire).place
    told = next(page.number for page in all_pages if any(card.name == "complaint_any" for card in page.cards))
    after = next(page.number for page in all_pages if any(card.name == "complaint_stage" for card in page.cards))
    start(client)
    for number in range(1, after + 1):
        extra = {"complaint_any": "told"} if number == told else {}
        client.post(f"/s/harbour/{number}", data=answers_for(survey, number) | extra)
    answer = client.post(f"/s/harbour/{told}", data=answers_for(survey, told) | {"complaint_any": "none"})
    while at := re.fullmatch(r"/s/harbour/(\d+)", where(answer)):
        assert int(at[1]) != after  # nobody without a problem is asked where it was
        answer = client.post(where(answer), data=answers_for(survey, int(at[1])))
    with database.connect() as connection:
        closed = connection.execute(text("SELECT closed FROM waiting")).scalar_one()
    assert closed[place["complaint_any"]] == 1 and closed[place["complaint_stage"]] == 0
