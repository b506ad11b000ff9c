"""The officer's own words for the mails of a survey, by language; what is not written down is the product's."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields
from typing import Literal

from sqlalchemy import update
from sqlmodel import Session, col, select

from surveys.tables import Survey

PLACEHOLDERS = ("bank", "title", "minutes", "closes", "link", "stop")
"""What may stand in braces in a mail; `link` must."""
HOLE = re.compile(r"\{([^{}]*)\}")
MOST = {"subject": 150, "body": 4000}


@dataclass(frozen=True)
class MailTexts:
    """Subject and body of the invitation and of the reminder, with placeholders in braces."""

    subject: str
    body: str
    reminder_subject: str
    reminder_body: str


@dataclass(frozen=True)
class Complaint:
    """What is wrong with one of the texts: the field, a code, the value, and what is allowed."""

    field: str
    code: Literal["empty", "long", "line", "letter", "hole", "link"]
    value: str = ""
    allowed: str = ""


NAMES = tuple(field.name for field in fields(MailTexts))


def complaints(texts: MailTexts) -> list[Complaint]:
    """All that is wrong with texts for mails.

    Parameters
    ----------
    texts
        As they were typed, their ends trimmed and their lines ended by a line feed.

    Returns
    -------
    list of Complaint
        Empty when they may be stored.
    """
    found = []
    for name in NAMES:
        found += _of_text(name, getattr(texts, name), body=name.endswith("body"))
    return found


def _of_text(name: str, text: str, *, body: bool) -> list[Complaint]:
    most = MOST["body" if body else "subject"]
    if not text:
        return [Complaint(name, "empty")]
    if len(text) > most:
        return [Complaint(name, "long", f"{len(text):,}", f"{most:,}")]
    if not body and "\n" in text:
        return [Complaint(name, "line")]
    if bad := next((c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), ""):
        return [Complaint(name, "letter", f"U+{ord(bad):04X}")]
    allowed = PLACEHOLDERS if body else PLACEHOLDERS[:4]
    holes: list[str] = HOLE.findall(text)
    if odd := [hole for hole in holes if hole not in allowed]:
        return [Complaint(name, "hole", f"{{{odd[0][:40]}}}", ", ".join(f"{{{hole}}}" for hole in allowed))]
    return [Complaint(name, "link")] if body and "link" not in holes else []


def own_texts(survey: Survey, language: str) -> MailTexts | None:
    """The officer's words in that language, or None."""
    found = survey.mails.get(language)
    return MailTexts(**{name: found[name] for name in NAMES}) if found else None


def set_texts(session: Session, survey: Survey, language: str, texts: MailTexts | None) -> None:
    """Keep the officer's words in one language, or with None go back to the product's."""
    connection = session.connection()
    found = connection.execute(select(col(Survey.mails)).where(col(Survey.id) == survey.id).with_for_update()).scalar()
    mails = {tag: kept for tag, kept in (found or {}).items() if tag != language}
    if texts is not None:
        mails[language] = {name: getattr(texts, name) for name in NAMES}
    connection.execute(update(Survey).where(col(Survey.id) == survey.id).values(mails=mails))
