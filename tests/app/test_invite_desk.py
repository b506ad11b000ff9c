"""The desk's page of invitations, the commands and the settings: what is taken, what is refused and in which words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from app.cli import main
from app.main import create_app
from app.settings import MailServer, Settings, SettingsError, from_environment
from surveys.addresses import tidy
from surveys.exchange.contacts import MOST_ROWS
from surveys.store.database import open_database
from surveys.tables import Survey
from tests.app.conftest import SETTINGS, sign_in, token
from tests.app.post import Box, mail_server
from tests.app.test_respond import count

PAGE = "/surveys/harbour/invitations"
GOOD = "address,unit,language,segment\n" + "".join(f"c{n}@bank.example,South,zh,vip\n" for n in range(12))


@pytest.fixture
def post() -> Iterator[tuple[Box, MailServer]]:
    with mail_server() as running:
        yield running


@pytest.fixture
def officer(database: Engine, survey: Survey, post: tuple[Box, MailServer]) -> Iterator[TestClient]:
    settings = replace(SETTINGS, mail=post[1], key=b"k" * 32)
    with TestClient(create_app(settings, database), follow_redirects=True) as made:
        yield sign_in(made, "Lin")


def press(client: TestClient, path: str, **fields: str) -> Response:
    return client.post(PAGE + path, data={"csrf": token(client.get(PAGE).text)} | fields)


def upload(client: TestClient, data: str | bytes, name: str = "list.csv") -> Response:
    body = data.encode() if isinstance(data, str) else data
    return client.post(f"{PAGE}/contacts", data={"csrf": token(client.get(PAGE).text)}, files={"file": (name, body)})


def take_over(client: TestClient, data: str | bytes, name: str = "list.csv") -> Response:
    digest = upload(client, data, name).text.split('name="digest" value="')[1].split('"')[0]
    return press(client, "/take-over", digest=digest)


def test_list_is_shown_before_anything_is_stored_and_then_sent(
    officer: TestClient, database: Engine, post: tuple[Box, MailServer]
) -> None:
    shown = upload(officer, GOOD)
    assert "12 contacts were read" in shown.text and "c0@bank.example" in shown.text
    assert count(database, "contact") == 0
    assert "12 contacts were added" in take_over(officer, GOOD).text
    assert (count(database, "contact"), count(database, "contact_list")) == (12, 0)
    assert "12 mails are queued" in press(officer, "/send", what="invitations").text
    officer.app.state.postman.wait()  # type: ignore[attr-defined]
    assert len(post[0].raw) == 12
    assert "0 mails are queued" in press(officer, "/send", what="invitations").text
    resting = press(officer, "/send", what="reminders").text
    assert "0 mails are queued" in resting and "12 contacts had mail lately" in resting


def test_stale_list_is_not_taken_over_and_an_unwanted_one_is_gone(officer: TestClient, database: Engine) -> None:
    upload(officer, GOOD)
    press(officer, "/take-over", digest="0" * 64)
    assert (count(database, "contact"), count(database, "contact_list")) == (0, 1)
    press(officer, "/discard")
    assert count(database, "contact_list") == 0


def test_queue_can_be_called_off(officer: TestClient, database: Engine, post: tuple[Box, MailServer]) -> None:
    post[0].after_data = "451 later"
    take_over(officer, GOOD)
    press(officer, "/send", what="invitations")
    officer.app.state.postman.wait()  # type: ignore[attr-defined]
    assert count(database, "mail") == 12
    press(officer, "/call-off")
    assert count(database, "mail") == 0


BAD = {
    "row 3, the address": ("address\na@b.cn\nnot-one\n", "Row 3, column address: the address is “not-one”; allowed is"),
    "row 3, twice": ("address\na@b.cn\nA@B.cn\n", "Row 3, column address: “A@B.cn” stands in row 2 already"),
    "no SMTPUTF8": ("address\n李@b.cn\n", "Row 2, column address: the address is “李@b.cn”"),
    "a line end": ('address\n"a@b.cn\r\nBcc: x@y.zz"\n', "Row 2, column address"),
    "language": ("address,lang\na@b.cn,fr\n", "Row 2, column lang: the language is “fr”; allowed are en, zh-CN"),
    "unit": (f"address,unit\na@b.cn,{'x' * 81}\n", "Row 2, column unit: the branch is"),
    "segment": ("address,segment\na@b.cn,a b\n", "Row 2, column segment: the segment is “a b”"),
    "column": ("address,phone\na@b.cn,1\n", "Row 1, column phone: there is no such column"),
    "no address": ("unit\nSouth\n", "Row 1, column address: the column is missing"),
    "two": ("address,email\na@b.cn,a@b.cn\n", "Row 1, column email: the column stands twice"),
    "empty": ("", "The file cannot be used"),
    "header": ("address\n", "no row below the header"),
    "script": ("address\n<script>alert(1)</script>\n", "&lt;script&gt;"),
    "not UTF-8": (b"address\n\xff\xfe@b.cn\n", "not UTF-8"),
    "null": ("address\na\x00@b.cn\n", "The file cannot be used"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_list_is_refused_in_a_sentence_and_nothing_of_it_is_stored(
    officer: TestClient, database: Engine, name: str
) -> None:
    data, told = BAD[name]
    page = upload(officer, data)
    assert page.status_code == 422
    assert told in page.text and "Nothing was taken over" in page.text
    assert (count(database, "contact"), count(database, "contact_list")) == (0, 0)


def test_lists_beyond_the_limits_are_refused(officer: TestClient) -> None:
    assert "10,000,001 bytes; allowed are 10,000,000" in upload(officer, b"x" * 10_000_001).text
    rows = "address\n" + "".join(f"{n}@b.cn\n" for n in range(MOST_ROWS + 1))
    assert "100,001 rows; allowed are 100,000" in upload(officer, rows).text
    assert "ends in “.exe”" in upload(officer, GOOD, "list.exe").text
    assert upload(officer, b"x" * (33 * 1024 * 1024)).status_code == 413


def test_many_bad_rows_are_counted(officer: TestClient) -> None:
    page = upload(officer, "address\n" + "x\n" * 25)
    assert page.text.count("column address") == 20 and "And 5 more." in page.text


def sheet(*rows: tuple[object, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def test_excel_list_is_read(officer: TestClient, database: Engine) -> None:
    take_over(officer, sheet(("邮箱", "网点"), ("a@Bücher.example", 12.0), (None, None), ("b@b.cn", None)), "名单.XLSX")
    with database.connect() as connection:
        stored = connection.execute(text("SELECT address, unit FROM contact JOIN invited ON contact_id = id")).all()
    assert sorted(map(tuple, stored)) == [("a@xn--bcher-kva.example", "12"), ("b@b.cn", "")]


def test_bombs_and_damaged_workbooks_are_refused(officer: TestClient) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    assert "unpacks to 60,000,000 bytes" in upload(officer, out.getvalue(), "bomb.xlsx").text
    assert upload(officer, b"PK\x03\x04 no", "damaged.xlsx").status_code == 422
    assert upload(officer, sheet(("address",))[:-30], "cut.xlsx").status_code == 422


def test_failures_are_downloaded_and_no_cell_is_a_formula(officer: TestClient, post: tuple[Box, MailServer]) -> None:
    post[0].refuse = {"=c0@bank.example": "550 5.1.1 gone"}
    take_over(officer, GOOD.replace("c0@", "=c0@"))
    press(officer, "/send", what="invitations")
    officer.app.state.postman.wait()  # type: ignore[attr-defined]
    answer = officer.get(f"{PAGE}/failures.csv")
    assert answer.text.splitlines()[1:] == ["'=c0@bank.example,failed,550 5.1.1 gone"]


POSTS = ["/take-over", "/discard", "/send", "/call-off"]


@pytest.mark.parametrize("path", POSTS)
def test_forms_of_other_sites_and_without_the_token_are_refused(officer: TestClient, path: str) -> None:
    assert officer.post(PAGE + path, data={"csrf": "x"}).status_code == 403
    good = {"csrf": token(officer.get(PAGE).text)}
    assert officer.post(PAGE + path, data=good, headers={"origin": "https://evil.example"}).status_code == 403


def test_upload_needs_the_token_and_a_file(officer: TestClient) -> None:
    assert officer.post(f"{PAGE}/contacts", data={"csrf": "x"}, files={"file": ("a.csv", b"")}).status_code == 403
    assert officer.post(f"{PAGE}/contacts", data={"csrf": "x"}).status_code == 415
    assert officer.post(f"{PAGE}/contacts", files={"other": ("a.csv", b"")}).status_code == 400
    broken = {"content-type": "multipart/form-data"}
    assert officer.post(f"{PAGE}/contacts", content=b"--", headers=broken).status_code == 400


@pytest.mark.parametrize("path", ["", "/failures.csv"])
def test_contacts_are_the_officer_s_alone(client: TestClient, path: str) -> None:
    assert client.get(PAGE + path, follow_redirects=False).status_code == 303
    sign_in(client, "Rui")
    assert client.get(PAGE + path).status_code == 404
    assert client.post(f"{PAGE}/send", data={}).status_code == 404
    assert "/invitations" not in client.get("/surveys/harbour").text


def test_without_a_mail_server_the_page_says_what_to_set(lin: TestClient) -> None:
    take_over(lin, GOOD)
    assert "FIVEGAPS_SMTP_HOST" in lin.get(PAGE).text
    assert press(lin, "/send", what="invitations").status_code == 422
    assert f'href="{PAGE}"' in lin.get("/surveys/harbour").text


# ---- Commands and settings


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, post: tuple[Box, MailServer]) -> Path:
    for name, value in {
        "FIVEGAPS_DATABASE_URL": f"sqlite:///{tmp_path / 'cli.sqlite3'}",
        "FIVEGAPS_DATA": str(tmp_path),
        "FIVEGAPS_SMTP_HOST": "127.0.0.1",
        "FIVEGAPS_SMTP_PORT": str(post[1].port),
        "FIVEGAPS_SMTP_STARTTLS": "no",
        "FIVEGAPS_MAIL_SENDER": "Harbour Bank <survey@harbour.example>",
    }.items():
        monkeypatch.setenv(name, value)
    assert main(["publish", "pfs_customer", "--slug", "spring", "--wave", "1"]) == 0
    return tmp_path


def test_commands_take_a_list_send_it_and_mark_what_came_back(
    at: Path, post: tuple[Box, MailServer], capsys: pytest.CaptureFixture[str]
) -> None:
    file = at / "list.csv"
    file.write_text(GOOD.replace("c0@bank.example,South,zh,vip", "c0@bank.example,South,zh,mass"), "utf-8")
    assert main(["contacts", "spring", str(file), "--check"]) == 0
    assert main(["send", "spring"]) == 0
    assert post[0].raw == []
    assert main(["contacts", "spring", str(file)]) == 0
    assert main(["send", "spring", "--segment", "vip", "--limit", "5"]) == 0
    assert main(["send", "spring", "--segment", "vip"]) == 0
    assert "6 sent" in capsys.readouterr().out and len(post[0].raw) == 11
    assert oct((at / "fivegaps.key").stat().st_mode)[-3:] == "600"
    back = at / "back.mbox"
    back.write_text(
        "From x\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; c3@bank.example\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
    )
    assert main(["bounces", str(back)]) == 0
    assert "1 contacts are written to no more" in capsys.readouterr().out
    engine = open_database(f"sqlite:///{at / 'cli.sqlite3'}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT address FROM contact WHERE bounced")).scalars().all() == [
            "c3@bank.example"
        ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["send", "none"], "there is no survey 'none'"),
        (["send", "spring", "--limit", "0"], "--limit: the value is 0; allowed is"),
        (["bounces", "/nowhere"], "the file cannot be read"),
        (["contacts", "spring", "/nowhere.csv"], "the file cannot be read"),
    ],
)
def test_commands_refuse_in_a_sentence(
    at: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"FIVEGAPS_SMTP_PORT": "0"}, "FIVEGAPS_SMTP_PORT: the value is '0'; allowed is"),
        ({"FIVEGAPS_SMTP_STARTTLS": "maybe"}, "allowed are yes and no"),
        ({"FIVEGAPS_MAIL_SENDER": "nobody"}, "FIVEGAPS_MAIL_SENDER: the value is 'nobody'"),
        ({"FIVEGAPS_MAIL_SENDER": "a@b.cn\r\nBcc: x@y.zz"}, "FIVEGAPS_MAIL_SENDER"),
        ({"FIVEGAPS_SMTP_STARTTLS": "no", "FIVEGAPS_SMTP_PASSWORD": "p"}, "travel in the clear"),
        ({"FIVEGAPS_QUIET_DAYS": "-1"}, "FIVEGAPS_QUIET_DAYS"),
        ({"FIVEGAPS_INVITATION_KEY": "short"}, "FIVEGAPS_INVITATION_KEY"),
        ({"FIVEGAPS_INVITATION_KEY": "c2hvcnQ="}, "it has 5 bytes"),
    ],
)
def test_bad_settings_of_mail_are_refused(tmp_path: Path, given: dict[str, str], told: str) -> None:
    whole = {"FIVEGAPS_DATA": str(tmp_path), "FIVEGAPS_SMTP_HOST": "mx.bank.example", "FIVEGAPS_MAIL_SENDER": "a@b.cn"}
    with pytest.raises(SettingsError, match=told.replace("(", r"\(")):
        from_environment(whole | given)


def test_key_of_links_is_made_once_and_password_is_not_shown(tmp_path: Path) -> None:
    whole = {"FIVEGAPS_DATA": str(tmp_path), "FIVEGAPS_SMTP_HOST": "mx.bank.example", "FIVEGAPS_MAIL_SENDER": "a@b.cn"}
    settings = from_environment(whole | {"FIVEGAPS_SMTP_PASSWORD": "hunter2"})
    assert settings.invitation_key() == from_environment(whole).invitation_key()
    assert len(settings.invitation_key()) == 32
    assert "hunter2" not in repr(settings)
    assert [path.name for path in tmp_path.iterdir()] == ["fivegaps.key"]
    with pytest.raises(SettingsError):
        Settings("sqlite://").invitation_key()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" A.b+c@Bücher.Example ", "A.b+c@xn--bcher-kva.example"),
        ("x@银行。中国", "x@xn--jn2a72x.xn--fiqs8s"),
        *((bad, None) for bad in ("", "a", "a@b", "@b.cn", "a@@b.cn", "a b@c.cn", "a@b.cn,d@e.cn", '"q"@b.cn')),
        *(
            (bad, None)
            for bad in ("a@1.2.3.4", "a@-b.cn", "a@b..cn", "a.@b.cn", "x" * 65 + "@b.cn", "a@b.cn\nx", "é@b.cn")
        ),
        ("a@" + "x" * 64 + ".cn", None),
    ],
)
def test_addresses_are_ascii_or_refused(given: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(ValueError, match="name@bank.example"):
            tidy(given)
    else:
        assert tidy(given) == kept
