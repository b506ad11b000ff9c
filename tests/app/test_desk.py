"""The officer's pages: signing in, publishing, links, downloads; and what strangers do not get."""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.access import check_password, safe_next
from app.main import create_app
from app.settings import Settings
from app.throttle import Throttle
from surveys.authoring import load
from surveys.store import collect, publish, releases
from surveys.store.database import reading, writing
from surveys.tables import Survey
from tests.app.conftest import PASSWORD, fill, sign_in, token

GOOD = {
    "questionnaire": "pfs_customer",
    "slug": "spring",
    "bank": "Spring Bank",
    "wave": "2027-1",
    "opens": "2026-01-01",
    "begin": "open",
}
CLOSED_TO_STRANGERS = [
    "/",
    "/surveys/new",
    "/surveys/harbour",
    "/surveys/harbour/report",
    "/surveys/harbour/report.json",
    "/surveys/harbour/data.csv",
    "/surveys/harbour/data.parquet",
    "/surveys/harbour/codebook.html",
    "/surveys/harbour/codebook.json",
    "/surveys/harbour/comments.csv",
    "/surveys/harbour/report.html",
    "/surveys/harbour/qr.svg",
]


@pytest.mark.parametrize("path", CLOSED_TO_STRANGERS)
def test_stranger_is_led_to_the_sign_in_page(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_signing_in_leads_back_to_the_page(client: TestClient) -> None:
    page = client.get("/surveys/harbour")
    assert 'name="next" value="/surveys/harbour"' in page.text
    answer = client.post("/sign-in", data={"name": "Lin", "password": PASSWORD, "next": "/surveys/harbour"})
    assert (answer.url.path, answer.status_code) == ("/surveys/harbour", 200)


@pytest.mark.parametrize("name", ["Lin", "Nobody", "' OR 1=1 --", "", "x" * 5000])
def test_wrong_password_and_unknown_name_read_the_same(client: TestClient, name: str) -> None:
    answer = client.post("/sign-in", data={"name": name, "password": "wrong password here"})
    assert answer.status_code == 422
    assert "Name or password is not right" in answer.text


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb", ""]
)
def test_sign_in_never_leads_away(path: str) -> None:
    assert safe_next(path) == "/"


def test_session_is_new_hashed_and_over_after_signing_out(client: TestClient, database: Engine) -> None:
    client.cookies.set("fivegaps", "chosen-by-somebody-else")
    sign_in(client, "Lin")
    mine = next(c.value for c in client.cookies.jar if c.name == "fivegaps" and c.value != "chosen-by-somebody-else")
    with database.connect() as connection:
        assert mine not in str(connection.execute(text("SELECT * FROM sign_in")).all())
    client.cookies.clear()
    client.cookies.set("fivegaps", str(mine))
    page = client.get("/").text
    client.post("/sign-out", data={"csrf": token(page)})
    client.cookies.set("fivegaps", str(mine))
    assert client.get("/").url.path == "/sign-in"


def test_too_many_tries_have_to_wait() -> None:
    throttle = Throttle()
    assert [throttle.begin("name lin", "address x") for _ in range(6)] == [True] * 5 + [False]
    assert throttle.begin("name rui", "address y")
    throttle.succeeded("name lin", "address x")
    assert throttle.begin("name lin", "address x")


def test_many_tries_at_once_are_counted_before_they_are_checked(client: TestClient) -> None:
    with ThreadPoolExecutor(12) as pool:
        tries = [pool.submit(client.post, "/sign-in", data={"name": "Lin", "password": "wrong"}) for _ in range(12)]
    assert sorted(one.result().status_code for one in tries) == [422] * 5 + [429] * 7


@pytest.mark.parametrize("kind", ["data.csv", "data.parquet", "codebook.json", "codebook.html", "comments.csv"])
@pytest.mark.parametrize("name", ["pfs_staff", "pfs_manager"])
def test_staff_and_manager_surveys_have_downloads_too(lin: TestClient, database: Engine, name: str, kind: str) -> None:
    with writing(database) as session:
        survey = publish.publish(
            session,
            load(name).variant(),
            slug="inside",
            bank="B",
            wave="1",
            opens_on=date(2026, 1, 1),
            closes_on=None,
            today=date(2026, 1, 1),
        )
    fill(database, survey, 12)
    assert lin.get(f"/surveys/inside/{kind}").status_code == 200
    assert lin.get("/surveys/inside/report").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/sign-in?next=//[", {}),
        ("POST", "/s/harbour/start", {"origin": "http://["}),
        ("POST", "/s/harbour/start", {"origin": "null", "sec-fetch-site": "cross-site"}),
        ("GET", "/s/harbour/" + "9" * 5000, {}),
        ("GET", "/surveys/harbour/report?unit=%00", {}),
        ("DELETE", "/s/harbour", {}),
    ],
)
def test_malformed_requests_are_refused_with_all_headers(
    lin: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = lin.request(method, path, headers=headers)
    assert answer.status_code < 500
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_unit_with_signs_keeps_the_view_when_the_language_changes(
    lin: TestClient, survey: Survey, database: Engine
) -> None:
    for number in range(2):
        book = collect.codebook_of(survey)
        units = ("R&D=1#x", "Other")
        coming = [
            collect.Arrival(f"{u}{number}{n}", bytes(len(book)), {}, "en", date(2026, 2, 1), u)
            for u in units
            for n in range(15)
        ]
        with database.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            collect.ingest(connection, survey.id or 0, book, coming)
            releases.release(connection, survey.id or 0, date(2026, 2, 1))
    page = lin.get("/surveys/harbour/report", params={"unit": "R&D=1#x"}).text
    assert "unit=R%26D%3D1%23x" in page
    assert lin.get("/surveys/harbour/report.json", params={"unit": "R&D=1#x"}).json()["meta"]["n"] == 30


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaa", "x" * 129, "my name is Lin ok"])
def test_weak_password_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="password"):
        check_password(password, "Lin")


def publishing(lin: TestClient, **changes: str) -> Any:
    page = lin.get("/surveys/new").text
    return lin.post("/surveys/new", data=GOOD | {"csrf": token(page)} | changes)


def test_publishing_opens_the_form(lin: TestClient) -> None:
    answer = publishing(lin)
    assert answer.url.path == "/surveys/spring"
    assert "Spring Bank" in lin.get("/s/spring").text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"slug": "Spring!"}, "small letters, digits and hyphens"),
        ({"slug": "harbour"}, "is taken"),
        ({"wave": ""}, "wave"),
        ({"opens": "tomorrow"}, "allowed is a date"),
        ({"opens": "2026-05-01", "closes": "2026-04-01"}, "is before the first day"),
        ({"questionnaire": "../../etc/passwd"}, "allowed are pfs_customer"),
        ({"format": "four_column"}, "allowed are"),
    ],
)
def test_publishing_form_comes_back_with_words_and_entries(lin: TestClient, changes: dict[str, str], told: str) -> None:
    answer = publishing(lin, **changes)
    assert answer.status_code == 422
    assert told in answer.text
    assert 'value="Spring Bank"' in answer.text


def test_form_without_the_sessions_token_is_refused(lin: TestClient, database: Engine) -> None:
    for wrong in ({}, {"csrf": "x" * 32}):
        assert lin.post("/surveys/new", data=GOOD | wrong).status_code == 403
    with reading(database) as session:
        assert publish.find(session, "spring") is None


def test_researcher_reads_but_cannot_publish(client: TestClient) -> None:
    rui = sign_in(client, "Rui")
    assert rui.get("/surveys/harbour").status_code == 200
    assert rui.get("/surveys/new").status_code == 404
    assert rui.post("/surveys/harbour/move", data={"phase": "closed", "confirm": "closed"}).status_code == 404


def test_frozen_copy_outlives_changes_of_the_bank(lin: TestClient, database: Engine) -> None:
    publishing(lin)
    with reading(database) as session:
        survey = publish.find(session, "spring")
        assert survey is not None
        assert publish.definition_hash(survey.definition) == survey.definition_hash


def test_links_carry_branch_and_have_qr_codes(lin: TestClient) -> None:
    page = lin.get("/surveys/harbour").text
    page = lin.post("/surveys/harbour/links", data={"csrf": token(page), "unit": "South <b>", "channel": "app"}).text
    assert "South &lt;b&gt;" in page
    code = re.search(r"qr\.svg\?link=([a-z]{7})", page)
    assert code
    assert lin.get(f"/surveys/harbour/qr.svg?link={code[1]}").text.startswith("<?xml")
    assert lin.get(f"/surveys/harbour/qr.png?link={code[1]}").content.startswith(b"\x89PNG")
    assert lin.get("/surveys/harbour/qr.png?link=zzzzzzz").status_code == 404
    assert lin.get(f"/s/harbour/{code[1]}").status_code == 200


def test_same_link_is_made_once(lin: TestClient, survey: Survey, database: Engine) -> None:
    page = lin.get("/surveys/harbour").text
    for _ in range(2):
        lin.post("/surveys/harbour/links", data={"csrf": token(page), "unit": "South", "channel": ""})
    with reading(database) as session:
        assert len(publish.links(session, survey)) == 1


def test_csv_holds_released_rows_and_stable_columns(lin: TestClient, survey: Survey, database: Engine) -> None:
    empty = lin.get("/surveys/harbour/data.csv").text.splitlines()
    fill(database, survey, 30)
    full = lin.get("/surveys/harbour/data.csv").text.splitlines()
    assert full[0] == empty[0]
    assert (len(empty), len(full)) == (1, 31)
    assert lin.get("/surveys/harbour/data.csv?bom=1").content.startswith(b"\xef\xbb\xbf")


def test_parquet_and_csv_and_codebook_agree(lin: TestClient, survey: Survey, database: Engine) -> None:
    fill(database, survey, 30)
    table = pq.read_table(io.BytesIO(lin.get("/surveys/harbour/data.parquet").content))
    header = lin.get("/surveys/harbour/data.csv").text.splitlines()[0].replace('"', "").split(",")
    book = lin.get("/surveys/harbour/codebook.json").json()
    assert table.column_names == header == [column["name"] for column in book["columns"]]
    assert table.schema.metadata[b"fivegaps.survey"] == b"harbour"
    assert "enc_tan_1_E" in lin.get("/surveys/harbour/codebook.html").text


def test_mean_over_a_downloaded_rating_is_right_without_care(lin: TestClient, survey: Survey, database: Engine) -> None:
    fill(database, survey, 200)
    table = pq.read_table(io.BytesIO(lin.get("/surveys/harbour/data.parquet").content)).to_pandas()
    report = lin.get("/surveys/harbour/report.json").json()
    shown = report["gaps"]["items"]["trk_rel_1"]
    both = table["trk_rel_1_P"].notna() & table["trk_rel_1_E"].notna()
    assert shown["value"] == pytest.approx((table["trk_rel_1_P"] - table["trk_rel_1_E"])[both].mean(), abs=1e-12)
    assert table["trk_rel_1_P__na"].sum() > 0


def test_free_texts_come_apart_masked_and_in_company(lin: TestClient, survey: Survey, database: Engine) -> None:
    book = collect.codebook_of(survey)
    said = {"comment_praise": "=1+1 card 6222 0212 3456 7890"}
    coming = [collect.Arrival(f"k{n}", bytes(len(book)), said, "en", date(2026, 2, 1)) for n in range(10)]
    few = [collect.Arrival("x", bytes(len(book)), {"comment_improve": "alone"}, "en", date(2026, 2, 1))]
    with database.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        collect.ingest(connection, survey.id or 0, book, coming + few)
        releases.release(connection, survey.id or 0, date(2026, 2, 1))
    text = lin.get("/surveys/harbour/comments.csv").text
    assert text.count("'=1+1 card […]") == 10
    assert "alone" not in text


def test_closing_needs_the_tick_and_ends_collection(lin: TestClient) -> None:
    page = lin.get("/surveys/harbour").text
    lin.post("/surveys/harbour/move", data={"csrf": token(page), "phase": "closed"})
    assert lin.get("/s/harbour").status_code == 200
    lin.post("/surveys/harbour/move", data={"csrf": token(page), "phase": "closed", "confirm": "closed"})
    assert lin.get("/surveys/harbour").status_code == 200
    import time

    time.sleep(1.1)  # a running server may not know for a second
    assert lin.get("/s/harbour").status_code == 410


def test_desk_speaks_chinese(lin: TestClient) -> None:
    page = lin.get("/", headers={"accept-language": "zh-CN"}).text
    assert '<html lang="zh-CN">' in page
    assert "调查" in page


def test_answers_carry_the_security_headers(client: TestClient) -> None:
    for path in ("/sign-in", "/s/harbour", "/nothing", "/static/form.css"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]


def test_static_files_are_fingerprinted_and_kept(client: TestClient) -> None:
    address = re.search(r"/static/form\.css\?v=[0-9a-f]+", client.get("/s/harbour").text)
    assert address
    assert "immutable" in client.get(address[0]).headers["cache-control"]
    assert client.get("/static/../app/main.py").status_code == 404
    assert client.get("/static/%2e%2e/pyproject.toml").status_code == 404


def test_foreign_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/sign-in", headers={"host": "evil.example"}).status_code == 400


def test_schema_and_docs_of_the_framework_are_closed(client: TestClient) -> None:
    assert {client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}


def demo(database: Engine, address: str) -> TestClient:
    app = create_app(Settings("sqlite://", demo=True), database)
    return TestClient(app, base_url=address, client=("127.0.0.1", 50000))


def test_demonstration_signs_in_on_this_computer_only(database: Engine, survey: Survey) -> None:
    with demo(database, "http://127.0.0.1:8000") as here:
        assert "signed in by itself" in here.get("/").text
        assert here.get("/", headers={"x-forwarded-for": "10.0.0.9"}).url.path == "/sign-in"
        assert here.get("/", headers={"host": "rebound.example"}).status_code == 400
    away = create_app(Settings("sqlite://", demo=True), database)
    with TestClient(away, base_url="http://127.0.0.1:8000", client=("192.0.2.7", 50000)) as stranger:
        assert stranger.get("/").url.path == "/sign-in"


def test_error_is_json_where_json_was_asked_for(client: TestClient) -> None:
    answer = client.get("/nothing", headers={"accept": "application/json"})
    assert json.loads(answer.text)["error"]["status"] == 404
