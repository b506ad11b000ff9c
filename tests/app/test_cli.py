"""The command line: what it does, and how it refuses."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from app.settings import SettingsError, from_environment
from surveys.store import people, publish
from surveys.store.database import open_database, reading

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'cli.sqlite3'}"
    monkeypatch.setenv("FIVEGAPS_DATABASE_URL", url)
    return url


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def add(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], password: str, *more: str
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    code, _, err = run(capsys, "user", "add", "Lin", "--password-stdin", *more)
    return code, err


def test_first_administrator_is_added_and_stored_hashed(
    at: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(monkeypatch, capsys, "correct horse battery staple")[0] == 0
    with reading(open_database(at)) as session:
        person = people.find(session, "Lin")
    assert person is not None
    assert (person.role, person.password_hash[:9]) == ("administrator", "$argon2id")


@pytest.mark.parametrize(
    ("password", "more", "told"),
    [
        ("short", (), "it has 5 characters; allowed are 12 to 128"),
        ("correct horse battery staple", ("--role", "king"), "'king'; allowed are administrator, officer, researcher"),
    ],
)
def test_bad_person_is_refused(
    at: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    password: str,
    more: tuple[str, ...],
    told: str,
) -> None:
    code, err = add(monkeypatch, capsys, password, *more)
    assert code == 2
    assert told in err


def test_nobody_can_sign_in_before_somebody_is_added(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "user", "list") == (0, "", "")


PUBLISH = (
    "publish",
    "pfs_customer",
    "--slug",
    "spring",
    "--wave",
    "2027-1",
    "--opens",
    "2027-01-01",
    "--closes",
    "2027-02-01",
    "--bank",
    "Spring Bank",
)


def test_publishing_freezes_and_prints_the_addresses(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *PUBLISH, "--unit", "South", "--include", "stage_importance")
    assert code == 0
    assert "/s/spring" in out
    assert "South: " in out
    with reading(open_database(at)) as session:
        survey = publish.find(session, "spring")
        assert survey is not None
        assert publish.questionnaire_of(survey).question("stage_importance") is not None


@pytest.mark.parametrize("name", ["pfs_staff", "pfs_manager"])
def test_staff_and_manager_questionnaires_publish_too(at: str, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run(capsys, "publish", name, "--slug", "inside", "--wave", "1")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("publish", "nothing", "--slug", "x", "--wave", "1"), "allowed are a YAML file"),
        (("publish", "pfs_customer", "--slug", "X!", "--wave", "1"), "slug: the value is 'X!'"),
        (("publish", "pfs_customer", "--slug", "x", "--wave", ""), "wave: the value has 0 characters"),
        (("publish", "pfs_customer", "--slug", "x", "--wave", "1", "--opens", "soon"), "--opens: the value is 'soon'"),
        (("publish", "pfs_customer", "--slug", "x", "--wave", "1", "--include", "zodiac"), "'zodiac' is no question"),
        (("close", "nothing"), "there is no survey 'nothing'"),
        (("analyse",), "a data file and --questionnaire are needed"),
        (("demo", "--host", "0.0.0.0"), "allowed are only 127.0.0.1"),
        (("serve", "--port", "99999"), "--port: the value is 99999; allowed are 1 to 65535"),
        (("serve", "--host", "203.0.113.7"), "--port: 203.0.113.7:8000 cannot be used"),
    ],
)
def test_refusals_are_one_sentence_and_exit_two(
    at: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert told in err
    assert "Traceback" not in err


def test_same_slug_twice_is_refused(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *PUBLISH)[0] == 0
    code, _, err = run(capsys, *PUBLISH)
    assert (code, "is taken" in err) == (2, True)


def test_questionnaires_are_listed_shown_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "pfs_customer" in run(capsys, "questionnaire", "list")[1]
    assert "在一家优秀的银行" in run(capsys, "questionnaire", "show", "pfs_customer", "--lang", "zh-CN")[1]
    (tmp_path / "bad.yaml").write_text("id: 1\ncolour: red\n", encoding="utf-8")
    code, _, err = run(capsys, "questionnaire", "check", str(tmp_path / "bad.yaml"))
    assert code == 2
    assert "line 2, colour: unknown key" in err


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("FIVEGAPS_DATABASE_URL", "mysql://x", "allowed are sqlite and postgresql"),
        ("FIVEGAPS_PUBLIC_URL", "bank.example", "allowed is an address"),
        ("FIVEGAPS_TIMEZONE", "Moon/Base", "allowed is a zone name"),
    ],
)
def test_bad_setting_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        from_environment({name: value})


def test_database_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = os.environ | {"FIVEGAPS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    done = subprocess.run(
        [sys.executable, "-m", "app", "user", "list"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("database:")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIVEGAPS_PUBLIC_URL", "http://["),
        ("FIVEGAPS_DATABASE_URL", "sqlite://"),
        ("FIVEGAPS_DATABASE_URL", "sqlite:///"),
        ("FIVEGAPS_DATA", "/proc/nowhere/deep"),
    ],
)
def test_setting_that_cannot_work_is_refused_in_a_line(name: str, value: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIVEGAPS_")} | {name: value}
    done = subprocess.run(
        [sys.executable, "-m", "app", "user", "list"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("FIVEGAPS_")
    assert "Traceback" not in done.stderr


def test_folder_of_the_answers_is_the_owners_alone(tmp_path: Path) -> None:
    environment = os.environ | {"FIVEGAPS_DATABASE_URL": f"sqlite:///{tmp_path / 'new' / 'x.sqlite3'}"}
    subprocess.run([sys.executable, "-m", "app", "migrate"], cwd=ROOT, env=environment, check=True, timeout=60)
    assert (tmp_path / "new" / "x.sqlite3").stat().st_mode & 0o077 == 0


def test_workers_out_of_range_are_refused(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "serve", "--workers", "0")
    assert code == 2
    assert "allowed are 1 to 64" in err


def test_survey_goes_through_its_life_by_command(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("publish", "pfs_customer", "--slug", "spring", "--wave", "2027-1")
    code, out, _ = run(capsys, *given, "--draft", "--shuffle", "--planned", "90")
    assert (code, "fivegaps survey move spring open" in out) == (0, True)
    with reading(open_database(at)) as session:
        survey = publish.find(session, "spring")
    assert survey is not None
    assert (survey.phase, survey.planned, survey.definition["shuffled"]) == ("draft", 90, True)
    assert "spring is in its pilot" in run(capsys, "survey", "move", "spring", "pilot")[1]
    assert run(capsys, "survey", "move", "spring", "open")[0] == 0
    code, out, _ = run(capsys, "survey", "list")
    assert re.search(r"spring-pilot +closed .*\(pilot\)\nspring +open ", out)
    assert run(capsys, "close", "spring")[1] == "spring is closed; no more answers are taken.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("move", "spring", "pilot"), "phase: the survey is open; allowed from there: paused, closed"),
        (("move", "spring", "gone"), "phase: the value is 'gone'; allowed are draft, pilot, open, paused, closed"),
        (("move", "autumn", "open"), "slug: there is no survey 'autumn'"),
    ],
)
def test_step_that_cannot_be_taken_is_refused(
    at: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    run(capsys, "publish", "pfs_customer", "--slug", "spring", "--wave", "2027-1")
    code, _, err = run(capsys, "survey", *arguments)
    assert (code, err.startswith(told)) == (2, True)
