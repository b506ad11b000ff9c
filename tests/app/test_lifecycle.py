"""What customers and the desk meet in each phase of a survey: preview, pilot, pause, archive, next wave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from app.access import hash_password
from app.main import create_app
from app.respond import published
from surveys.store import collect, lifecycle, people, publish
from surveys.store.database import reading, writing
from surveys.tables import Survey
from tests.app.conftest import PASSWORD, SETTINGS, fill, sign_in, token
from tests.app.test_respond import answers_for, start, where
from tests.app.test_whole_form import KEY, deliver, filled

RECEIPT = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}")
TABLES = ("waiting", "submission", "spent", "draft", "comment")


@pytest.fixture
def customer(engine: Engine, shop: Survey) -> Iterator[TestClient]:
    """A stranger's browser; Lin, who publishes, can sign in with it."""
    with writing(engine) as session:
        people.add(session, "Lin", hash_password(PASSWORD), "officer", date(2026, 1, 1))
    with TestClient(create_app(SETTINGS, engine), follow_redirects=True) as made:
        yield made


def put(engine: Engine, survey: Survey, phase: str) -> None:
    """Put a survey into a phase, by whichever steps."""
    with writing(engine) as session:
        found = session.get(Survey, survey.id)
        assert found is not None
        found.phase = "draft" if phase == "pilot" else phase
        session.add(found)
        session.flush()
        if phase == "pilot":
            lifecycle.move(session, found, "pilot", SETTINGS.today())
    published._kept.clear()


def step(engine: Engine, survey: Survey, phase: str) -> None:
    """Take one step of life."""
    with writing(engine) as session:
        lifecycle.move(session, survey, phase, SETTINGS.today())
    published._kept.clear()


def stored(engine: Engine) -> dict[str, int]:
    """Rows of all tables that hold something of an answer."""
    with engine.connect() as connection:
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in TABLES}


def walk(client: TestClient, survey: Survey) -> Response:
    """From the welcome page to the end, page by page."""
    answer = start(client)
    while at := re.fullmatch(r"/s/harbour/(\d+)", where(answer)):
        answer = client.post(where(answer), data=answers_for(survey, int(at[1])))
    return answer


def pilot(engine: Engine, survey: Survey) -> Survey:
    with reading(engine) as session:
        found = lifecycle.pilot(session, survey)
    assert found is not None
    return found


def mark(page: str) -> str:
    """What tells the pages of one phase from those of another."""
    return page.split('data-mark="')[1].split('"')[0]


def test_draft_is_not_open_to_customers(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "draft")
    for path in ("/s/harbour", "/s/harbour/form"):
        assert customer.get(path).status_code == 403
    assert "This survey is not open yet" in customer.get("/s/harbour").text
    assert start(customer).status_code == 403
    assert deliver(customer, filled(shop)).status_code == 403
    assert sum(stored(engine).values()) == 0


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_preview_page_by_page_stores_nothing(customer: TestClient, shop: Survey, engine: Engine, language: str) -> None:
    put(engine, shop, "draft")
    sign_in(customer, "Lin")
    banner = {"en": "Preview: nothing is stored", "zh-CN": "预览：不保存任何内容"}[language]
    assert banner in customer.get(f"/s/harbour?lang={language}").text
    end = walk(customer, shop)
    assert (where(end), banner in end.text) == ("/s/harbour/thanks", True)
    assert RECEIPT.search(end.text) is None
    assert sum(stored(engine).values()) == 0


def test_preview_in_one_document_is_checked_and_not_stored(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "draft")
    sign_in(customer, "Lin")
    assert "Preview: nothing is stored" in customer.get("/s/harbour/form").text
    wrong = deliver(customer, filled(shop) | {"importance__reliability": "30"})
    assert (wrong.status_code, list(wrong.json())) == (422, ["faults"])
    assert deliver(customer, filled(shop)).json() == {"end": "/s/harbour/thanks"}
    assert sum(stored(engine).values()) == 0


def test_preview_is_never_served_to_others(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "draft")
    sign_in(customer, "Lin")
    preview = customer.get("/s/harbour/form").text
    customer.cookies.clear()
    assert customer.get("/s/harbour/form").status_code == 403
    step(engine, shop, "open")
    opened = customer.get("/s/harbour/form").text
    assert "Preview" not in opened
    assert mark(preview) != mark(opened)


def test_preview_that_was_left_open_brings_no_answer(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "draft")
    sign_in(customer, "Lin")
    left = mark(customer.get("/s/harbour/form").text)
    assert where(start(customer)) == "/s/harbour/1"
    step(engine, shop, "open")
    late = deliver(customer, filled(shop), **{"survey-mark": left})
    assert (late.status_code, "trial run" in late.json()["message"]) == (410, True)
    assert customer.post("/s/harbour/1", data=answers_for(shop, 1)).status_code == 410
    assert sum(stored(engine).values()) == 0


def test_answers_of_a_pilot_are_kept_apart_and_their_receipts_open(
    customer: TestClient, shop: Survey, engine: Engine
) -> None:
    put(engine, shop, "pilot")
    assert "Trial run" in customer.get("/s/harbour").text
    assert "Trial run" in customer.get("/s/harbour/form").text
    code = deliver(customer, filled(shop)).json()["receipt"]
    assert RECEIPT.search(walk(customer, shop).text)
    with reading(engine) as session:
        assert (publish.waiting(session, shop), publish.waiting(session, pilot(engine, shop))) == (0, 2)
    for phase in ("open", "closed"):
        step(engine, shop, phase)
        shown = customer.post("/s/harbour/receipt", data={"code": code})
        assert (shown.status_code, "Withdraw" in shown.text) == (200, True)
    done = customer.post("/s/harbour/receipt/withdraw", data={"code": code, "confirm": "yes"})
    assert "Your answers are withdrawn" in done.text


def test_form_of_a_pilot_that_is_sent_after_it_does_not_count(
    customer: TestClient, shop: Survey, engine: Engine
) -> None:
    put(engine, shop, "pilot")
    left = mark(customer.get("/s/harbour/form").text)
    assert where(start(customer)) == "/s/harbour/1"
    sent = deliver(customer, filled(shop), "n" * 32, **{"survey-mark": left}).json()
    step(engine, shop, "open")
    assert deliver(customer, filled(shop), KEY, **{"survey-mark": left}).status_code == 410
    assert deliver(customer, filled(shop), "n" * 32, **{"survey-mark": left}).json() == sent  # came in before
    customer.cookies.clear()
    assert customer.post("/s/harbour/1", data=answers_for(shop, 1)).status_code == 410
    with reading(engine) as session:
        assert publish.waiting(session, shop) == 0


def test_answers_of_a_pilot_are_changed_while_it_lasts_only(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "pilot")
    code = deliver(customer, filled(shop)).json()["receipt"]
    assert deliver(customer, filled(shop, enc_rel_1_P="2"), "n" * 32, receipt=code).status_code == 200
    step(engine, shop, "open")
    assert deliver(customer, filled(shop, enc_rel_1_P="3"), "m" * 32, receipt=code).status_code == 410
    shown = customer.post("/s/harbour/receipt/change", data={"code": code})
    assert (shown.status_code, "takes no changes any more" in shown.text) == (200, True)
    with reading(engine) as session:
        assert (publish.waiting(session, shop), publish.waiting(session, pilot(engine, shop))) == (0, 1)


def test_answers_parked_in_a_pilot_are_not_fetched_after_it(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "pilot")
    going = {"key": KEY, "path": "/s/harbour", "values": {}, "furthest": 1}
    code = customer.post("/s/harbour/later", json=going).json()["code"]
    assert customer.post("/s/harbour/resume", data={"code": code}).status_code == 200
    step(engine, shop, "open")
    assert customer.post("/s/harbour/resume", data={"code": code}).status_code == 404


def test_preview_is_continued_nowhere_else(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "draft")
    sign_in(customer, "Lin")
    going = {"key": KEY, "path": "/s/harbour", "values": {}}
    assert customer.post("/s/harbour/later", json=going).status_code == 409
    assert "Continue on another device" not in customer.get("/s/harbour/form").text
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM parked")).scalar_one() == 0


def test_how_far_people_got_is_counted_for_the_pilot_and_never_in_a_preview(
    customer: TestClient, shop: Survey, engine: Engine
) -> None:
    put(engine, shop, "pilot")
    customer.get("/s/harbour")
    steps = customer.app.state.desk.steps.take()  # type: ignore[attr-defined]
    assert {survey_id for survey_id, _, _ in steps} <= {pilot(engine, shop).id}
    step(engine, shop, "draft")
    sign_in(customer, "Lin")
    walk(customer, shop)
    assert customer.app.state.desk.steps.take() == {}  # type: ignore[attr-defined]


def test_pilot_has_no_address_but_report_and_files_that_say_so(
    customer: TestClient, shop: Survey, engine: Engine
) -> None:
    put(engine, shop, "pilot")
    fill(engine, pilot(engine, shop), 12)
    for path in ("/s/harbour-pilot", "/s/harbour-pilot/form", "/s/harbour-pilot/receipt", "/s/harbour-pilot/1"):
        assert customer.get(path).status_code == 404
    sign_in(customer, "Lin")
    assert "Pilot · " in customer.get("/surveys/harbour-pilot/report").text.split("</title>")[0]
    assert customer.get("/surveys/harbour-pilot/report.json").json()["meta"]["pilot"] is True
    assert len(customer.get("/surveys/harbour-pilot/data.csv").text.splitlines()) == 13
    assert len(customer.get("/surveys/harbour/data.csv").text.splitlines()) == 1
    page = customer.get("/surveys/harbour-pilot")
    assert (where(page), "12 answers of the pilot are released" in page.text) == ("/surveys/harbour", True)
    sent = customer.post("/surveys/harbour-pilot/links", data={"csrf": token(page.text), "unit": "North"})
    assert sent.status_code == 404


def test_pause_keeps_what_was_begun_and_goes_on(customer: TestClient, shop: Survey, engine: Engine) -> None:
    start(customer)
    customer.post("/s/harbour/1", data=answers_for(shop, 1))
    step(engine, shop, "paused")
    paused = customer.post("/s/harbour/2", data=answers_for(shop, 2))
    assert (paused.status_code, paused.headers["retry-after"]) == (503, "3600")
    assert "This survey is paused" in paused.text
    late = deliver(customer, filled(shop))
    assert (late.status_code, "is paused" in late.json()["message"]) == (503, True)
    step(engine, shop, "open")
    assert customer.get("/s/harbour/2").text.count(" checked") == len(answers_for(shop, 2))
    assert deliver(customer, filled(shop)).status_code == 200


def test_page_of_the_pause_leads_back_by_the_same_link(customer: TestClient, shop: Survey, engine: Engine) -> None:
    with writing(engine) as session:
        link = publish.add_link(session, shop, "North", "")
    step(engine, shop, "paused")
    assert f'href="/s/harbour/{link.code}"' in customer.get(f"/s/harbour/{link.code}").text
    assert f'href="/s/harbour/{link.code}"' in customer.get(f"/s/harbour/{link.code}/form").text


def test_archived_survey_is_over_for_customers_and_receipts_open(
    customer: TestClient, shop: Survey, engine: Engine
) -> None:
    code = deliver(customer, filled(shop)).json()["receipt"]
    step(engine, shop, "closed")
    step(engine, shop, "archived")
    assert customer.get("/s/harbour").status_code == 410
    assert customer.post("/s/harbour/receipt", data={"code": code}).status_code == 200


def test_closed_page_names_the_day_on_which_it_was_closed(customer: TestClient, shop: Survey, engine: Engine) -> None:
    with writing(engine) as session:
        lifecycle.move(session, shop, "closed", date(2026, 3, 1))
    assert "It closed on 1 March 2026." in customer.get("/s/harbour").text


# ---- The desk


def press(lin: TestClient, path: str, **fields: str) -> Response:
    """Send one of the forms of the survey's page."""
    page = lin.get("/surveys/harbour").text
    return lin.post(f"/surveys/harbour/{path}", data={"csrf": token(page)} | fields)


def test_desk_takes_a_survey_through_its_life(customer: TestClient, shop: Survey, engine: Engine) -> None:
    put(engine, shop, "draft")
    lin = sign_in(customer, "Lin")
    for phase, told in (
        ("pilot", "The form is open at its address and links"),
        ("draft", "Customers see that the survey is not open yet"),
        ("open", "Customers can answer, and their answers enter the report"),
        ("paused", "Customers see that the survey is paused"),
        ("open", "Customers can answer, and their answers enter the report"),
        ("closed", "No more answers are taken"),
        ("archived", "Nothing changes any more"),
        ("closed", "No more answers are taken"),
        ("open", "Customers can answer, and their answers enter the report"),
    ):
        page = press(lin, "move", phase=phase, confirm=phase)
        assert (page.status_code, told in page.text) == (200, True), phase


@pytest.mark.parametrize(("before", "after"), [("draft", "open"), ("pilot", "open"), ("open", "closed")])
def test_what_cannot_be_undone_is_confirmed_first(
    customer: TestClient, shop: Survey, engine: Engine, before: str, after: str
) -> None:
    put(engine, shop, before)
    page = press(sign_in(customer, "Lin"), "move", phase=after)
    assert (page.status_code, "tick the box beside the button" in page.text) == (422, True)
    with reading(engine) as session:
        assert session.get(Survey, shop.id).phase == before


def test_step_that_is_not_allowed_is_refused_in_words(client: TestClient, survey: Survey) -> None:
    page = press(sign_in(client, "Lin"), "move", phase="archived")
    assert page.status_code == 422
    assert "The survey is in the state “open”; what may follow is: Paused · Closed." in page.text
    assert press(client, "move", phase="x" * 999).status_code == 422
    assert press(client, "move").status_code == 422


def test_archived_survey_is_read_only(customer: TestClient, shop: Survey, engine: Engine) -> None:
    lin = sign_in(customer, "Lin")
    csrf = token(lin.get("/surveys/harbour").text)
    put(engine, shop, "archived")
    for path in ("links", "plan", "invitations/discard"):
        sent = lin.post(f"/surveys/harbour/{path}", data={"csrf": csrf, "unit": "North"})
        assert (sent.status_code, "This survey is archived" in sent.text) == (409, True)
    assert '<details class="group">' in lin.get("/").text


def test_plan_is_changed_and_bad_ones_are_told(client: TestClient, survey: Survey) -> None:
    lin = sign_in(client, "Lin")
    assert "0 of 600 planned" in press(lin, "plan", planned="600", closes="").text
    bad = press(lin, "plan", planned="many", closes="2020-01-01")
    assert (bad.status_code, "The number of answers is “many”" in bad.text) == (422, True)
    assert press(lin, "plan", planned="", closes="soon").status_code == 422
    assert "0 of 600 planned" in lin.get("/surveys/harbour").text


def test_personal_links_wait_for_the_opening(customer: TestClient, shop: Survey, engine: Engine) -> None:
    lin = sign_in(customer, "Lin")
    from app.invite import sending

    for phase, code in (("draft", "not_begun"), ("pilot", "not_begun"), ("paused", "paused")):
        put(engine, shop, phase)
        with reading(engine) as session:
            survey = publish.find(session, "harbour")
        assert survey is not None
        with_mail = SETTINGS.__class__(**(SETTINGS.__dict__ | {"mail": object()}))
        with pytest.raises(sending.Unsendable) as refused:
            sending.check(with_mail, survey)
        assert refused.value.code == code
    assert lin.get("/surveys/harbour/invitations").status_code == 200


def test_researcher_sees_the_line_and_no_button(client: TestClient, survey: Survey) -> None:
    rui = sign_in(client, "Rui")
    page = rui.get("/surveys/harbour").text
    assert 'aria-current="step"' in page
    assert "/surveys/harbour/move" not in page
    assert rui.post("/surveys/harbour/move", data={"phase": "closed"}).status_code == 404
    assert rui.get("/surveys/harbour/next").status_code == 404


NEW = {"questionnaire": "pfs_customer", "slug": "spring", "bank": "Spring Bank", "wave": "2027-1"}


def test_new_survey_is_a_draft_unless_it_is_to_open_at_once(client: TestClient, database: Engine) -> None:
    lin = sign_in(client, "Lin")
    page = lin.get("/surveys/new").text
    assert re.search(r'name="begin" value="draft" checked', page)
    lin.post("/surveys/new", data={"csrf": token(page), "planned": "800", "shuffled": "yes"} | NEW)
    lin.post("/surveys/new", data={"csrf": token(page), "begin": "open"} | NEW | {"slug": "autumn"})
    with reading(database) as session:
        spring, autumn = publish.find(session, "spring"), publish.find(session, "autumn")
    assert spring is not None
    assert autumn is not None
    assert (spring.phase, spring.planned, spring.definition["shuffled"]) == ("draft", 800, True)
    assert (autumn.phase, autumn.planned, autumn.definition.get("shuffled")) == ("open", 0, None)


def test_bad_beginning_is_told(client: TestClient) -> None:
    lin = sign_in(client, "Lin")
    sent = lin.post("/surveys/new", data={"csrf": token(lin.get("/surveys/new").text), "begin": "now"} | NEW)
    assert (sent.status_code, "allowed are draft and open" in sent.text) == (422, True)


def test_next_wave_is_suggested_and_published_with_links(client: TestClient, survey: Survey, database: Engine) -> None:
    with writing(database) as session:
        publish.add_link(session, survey, "North", "counter")
    lin = sign_in(client, "Lin")
    form = lin.get("/surveys/harbour/next").text
    wave = form.split('name="wave" type="text" value="')[1].split('"')[0]
    assert (re.fullmatch(r"20\d\d-\d+", wave) is not None, 'value="harbour-2"' in form) == (True, True)
    given = {"csrf": token(form), "slug": "harbour-2", "wave": wave, "begin": "draft", "links": "yes"}
    page = lin.post("/surveys/harbour/next", data=given)
    assert (where(page), "Waves of this series" in page.text) == ("/surveys/harbour-2", True)
    with reading(database) as session:
        made = publish.find(session, "harbour-2")
        assert made is not None
        assert made.definition_hash == survey.definition_hash
        assert [one.unit for one in publish.links(session, made)] == ["North"]
    assert "not asked as here" not in page.text
    again = lin.post("/surveys/harbour/next", data=given)
    assert (again.status_code, "This series has a wave" in again.text) == (422, True)


def test_changed_wording_within_a_series_is_pointed_at(client: TestClient, survey: Survey, database: Engine) -> None:
    questionnaire = publish.questionnaire_of(survey)
    item = questionnaire.items[0].model_copy(update={"perception": {"en": "Reworded", "zh-CN": "改"}})
    changed = questionnaire.model_copy(update={"items": (item, *questionnaire.items[1:])})
    with writing(database) as session:
        publish.publish(
            session, changed, slug="later", bank="Harbour Bank", wave="2027-1", opens_on=date(2026, 6, 1),
            closes_on=None, today=date(2026, 6, 1),
        )  # fmt: skip
    page = sign_in(client, "Lin").get("/surveys/later").text
    assert "1 item is not asked as here" in page
    assert f"{item.id} · reworded" in page


def test_receipt_of_one_survey_opens_nothing_at_another(customer: TestClient, shop: Survey, engine: Engine) -> None:
    with writing(engine) as session:
        publish.publish(
            session, publish.questionnaire_of(shop), slug="other", bank="B", wave="1", opens_on=date(2026, 1, 1),
            closes_on=None, today=date(2026, 1, 1),
        )  # fmt: skip
    deliver(customer, filled(shop))
    assert customer.post("/s/other/receipt", data={"code": collect.receipt_code(KEY)}).status_code == 404
