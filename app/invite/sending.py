"""Sending what is queued: one mail at a time, each taken from the queue before it goes out, so that none goes twice."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from app.invite.bounces import STATUS
from app.invite.letters import Campaign
from app.invite.mail import POLICY, compose, plain
from app.settings import MailServer, Settings, SettingsError
from app.words import N_
from surveys.store import invitations, publish
from surveys.store.invitations import Letter, Queued
from surveys.tables import Survey

SECONDS = 30  # patience with the mail server
MOST_REFUSED = 20  # in a row; then something is wrong with us, not with the addresses
A_CONNECTION = 100  # mails; many servers hang up after some more
Result = TypeVar("Result")
log = logging.getLogger("fivegaps")
REFUSALS = {
    "simulated": N_("This survey is simulated; nobody is written to."),
    "no_server": N_("No mail server is set; the operator sets FIVEGAPS_SMTP_HOST and FIVEGAPS_MAIL_SENDER."),
    "not_open": N_("The survey is not open, so its links could not be answered."),
    "not_begun": N_(
        "Invitations go out once the survey is open, not from a draft or a pilot: a link answers once only."
    ),
    "paused": N_("The survey is paused, so its links could not be answered; what waits is kept."),
    "key": N_("The key of the links cannot be read; the operator sets FIVEGAPS_INVITATION_KEY."),
    "other_key": N_("The links of this survey were made with another key; without it nobody can be reminded."),
    "unreachable": N_("The mail server cannot be reached or does not let us in; what waits is kept."),
    "refused": N_("The mail server refuses one mail after the other; sending has stopped, and what waits is kept."),
}


@dataclass
class Outcome:
    """What a run of sending has brought; `trouble` is a key of `REFUSALS`, `detail` what the server said."""

    sent: int = 0
    failed: int = 0
    later: int = 0
    unsure: int = 0
    trouble: str = ""
    detail: str = ""


class Unsendable(ValueError):
    """Nothing can be sent; `code` is a key of `REFUSALS`."""

    def __init__(self, code: str):
        self.code = code
        super().__init__(REFUSALS[code])


class _Refused(Exception):
    """The server has said no to one mail, for certain."""

    def __init__(self, code: int, answer: bytes | str, *, recipient: bool = False, ours: bool = False):
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        self.reason = plain(f"{code} {text}")[:200]
        self.passing = code < 500 or ours
        status = STATUS.search(text)
        # Only what names the address as bad counts against it: a server of ours that is set up wrongly refuses all.
        self.bounced = recipient and status is not None and status[1] == "5" and (status[2], status[3]) in BAD_ADDRESS


BAD_ADDRESS = {("1", "1"), ("1", "2"), ("1", "3"), ("1", "6"), ("1", "10"), ("2", "1")}


def check(settings: Settings, survey: Survey) -> tuple[MailServer, bytes]:
    """The mail server and the key, or why this survey cannot send."""
    if survey.simulated:
        raise Unsendable("simulated")
    if settings.mail is None:
        raise Unsendable("no_server")
    state = publish.state(survey, settings.today())
    if state != "open":
        raise Unsendable({"draft": "not_begun", "pilot": "not_begun", "paused": "paused"}.get(state, "not_open"))
    try:
        return settings.mail, settings.invitation_key()
    except SettingsError as error:
        raise Unsendable("key") from error


def queue(engine: Engine, settings: Settings, survey: Survey, *, reminder: bool, segment: str = "") -> Queued:
    """Queue invitations or reminders for all who may have one now."""
    _, key = check(settings, survey)
    survey_id, today = survey.id or 0, settings.today()
    floor = int(publish.questionnaire_of(survey).min_group)
    try:
        return _write(
            engine,
            lambda connection: (
                invitations.queue_reminders(connection, survey_id, key, today=today, segment=segment)
                if reminder
                else invitations.queue_invitations(
                    connection, survey_id, key, today=today, quiet=settings.quiet_days, floor=floor, segment=segment
                )
            ),
        )
    except invitations.OtherKey as error:
        raise Unsendable("other_key") from error


def _write(engine: Engine, job: Callable[[Connection], Result]) -> Result:
    with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        return job(connection)


def campaign_of(survey: Survey, settings: Settings) -> Campaign:
    """What the survey's mails say of it."""
    asked = publish.questionnaire_of(survey)
    return Campaign(survey.bank, asked.title, asked.minutes, survey.closes_on, settings.public_url, survey.mails)


def send_waiting(
    engine: Engine,
    settings: Settings,
    survey: Survey,
    *,
    limit: int | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Send what waits, until nothing does, `limit` is reached, `stop` is set or the server refuses."""
    server, key = check(settings, survey)
    survey_id, outcome, passed = survey.id or 0, Outcome(), set[int]()
    door, in_a_row = _Door(server), 0
    campaign = campaign_of(survey, settings)

    def claim(connection: Connection) -> Letter | None:
        day, quiet = settings.today(), settings.quiet_days
        return invitations.claim(connection, survey_id, key, today=day, quiet=quiet, but=passed)

    try:
        while not (stop and stop.is_set()) and (limit is None or outcome.sent < limit):
            if in_a_row >= MOST_REFUSED:
                outcome.trouble = "refused"
                break
            try:
                door.open()
            except (OSError, smtplib.SMTPException) as error:
                outcome.trouble, outcome.detail = "unreachable", plain(str(error))[:200]
                break
            letter = _write(engine, claim)
            if letter is None:
                break
            done = _send_one(engine, door, letter, campaign, outcome)
            in_a_row = 0 if done else in_a_row + 1
            passed |= set() if done else {letter.contact_id}
    finally:
        door.close()
    return outcome


def _send_one(engine: Engine, door: _Door, letter: Letter, campaign: Campaign, outcome: Outcome) -> bool:
    """Send one mail and note what became of it; whether the server took it."""
    try:
        door.send(letter.address, compose(letter, campaign, door.server).as_bytes(policy=POLICY))
    except _Refused as refused:
        state, reason, bounced = "waiting" if refused.passing else "failed", refused.reason, refused.bounced
        outcome.detail = reason
        outcome.later += refused.passing
        outcome.failed += not refused.passing
        _write(engine, lambda connection: invitations.not_sent(connection, letter, state, reason, bounced=bounced))
        return False
    except (OSError, smtplib.SMTPException):
        # Cut off in the middle: it may have arrived.  It stays as it is, and is never sent again.
        log.warning("a mail was cut off on its way; it is not tried again")
        outcome.unsure += 1
        door.close()
        return False
    _write(engine, lambda connection: invitations.sent(connection, letter))
    outcome.sent += 1
    return True


class _Door:
    """The connection to the mail server, opened when it is needed and again after some mails."""

    def __init__(self, server: MailServer):
        self.server = server
        self._smtp: smtplib.SMTP | None = None
        self._mails = 0

    def open(self) -> None:
        """See to it that the server listens, before a mail is taken from the queue."""
        if self._smtp is not None and self._mails < A_CONNECTION:
            try:
                if self._smtp.rset()[0] == 250:
                    return
            except (OSError, smtplib.SMTPException):
                pass
        self.close()
        smtp = smtplib.SMTP(self.server.host, self.server.port, timeout=SECONDS)
        try:
            if self.server.starttls:
                smtp.starttls(context=ssl.create_default_context())
            if self.server.user:
                smtp.login(self.server.user, self.server.password)
            smtp.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException):
            smtp.close()
            raise
        self._smtp, self._mails = smtp, 0

    def send(self, address: str, message: bytes) -> None:
        """Hand one mail over; every step is asked for by itself, so that it is known which one was refused."""
        smtp = self._smtp
        assert smtp is not None
        self._mails += 1
        code, answer = self._early(lambda: smtp.mail(self.server.sender))
        if code != 250:
            raise _Refused(code, answer, ours=True)  # the contact was not even named yet
        code, answer = self._early(lambda: smtp.rcpt(address))
        if code not in (250, 251):
            raise _Refused(code, answer, recipient=True)
        try:
            code, answer = smtp.data(message)
        except smtplib.SMTPDataError as error:
            raise _Refused(error.smtp_code, error.smtp_error) from error
        if code != 250:
            raise _Refused(code, answer)

    def _early(self, command: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """A command before the mail itself: cut off here, it has certainly not been sent."""
        try:
            return command()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise _Refused(421, str(error)) from error

    def close(self) -> None:
        """Hang up."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._smtp = None


class Postman:
    """Sends in the background for the pages of the desk; one thread, which ends when nothing waits."""

    def __init__(self, engine: Engine, settings: Settings):
        self._engine, self._settings = engine, settings
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads: dict[int, threading.Thread] = {}
        self._last: dict[int, Outcome] = {}

    def start(self, survey: Survey) -> None:
        """Begin to send what waits for a survey, unless that is under way."""
        with self._lock:
            if not self.busy(survey.id or 0) and not self._stop.is_set():
                thread = threading.Thread(target=self._run, args=(survey,), name="fivegaps-postman", daemon=True)
                self._threads[survey.id or 0] = thread
                thread.start()

    def _run(self, survey: Survey) -> None:
        try:
            outcome = send_waiting(self._engine, self._settings, survey, stop=self._stop)
        except Unsendable as error:
            outcome = Outcome(trouble=error.code)
        except SQLAlchemyError:
            log.exception("the queue of mails could not be read or written; what waits is kept")
            return
        self._last[survey.id or 0] = outcome

    def busy(self, survey_id: int) -> bool:
        """Whether this process is sending for the survey."""
        thread = self._threads.get(survey_id)
        return thread is not None and thread.is_alive()

    def last(self, survey_id: int) -> Outcome | None:
        """What the last run in this process brought."""
        return self._last.get(survey_id)

    def wait(self, seconds: float = 30) -> None:
        """Wait until nothing is under way."""
        for thread in list(self._threads.values()):
            thread.join(seconds)

    def stop(self) -> None:
        """End after the mails that are on their way."""
        self._stop.set()
        self.wait()
