"""Signs of duplicates and of programs, without asking who anybody is: answers are flagged, never dropped.

* A browser that has sent answers says so by a signed cookie, which names nobody.
* While one answers, the script finds a number whose hash begins with many zeros: nothing for a person's device, dear
  for a program that sends thousands.  Without script, time does the same: the start is signed, and what is sent before
  the questions could be read is flagged.
* Deliveries are counted by network, in memory only, and forgotten after a minute.
"""

from __future__ import annotations

import hashlib
import hmac
import time

from fastapi import HTTPException, Request, Response

from app.requests import Desk
from app.respond.published import Published
from app.words import N_
from surveys.codes import HIGHEST_ANSWER
from surveys.coding import Answers
from surveys.flags import AGAIN, BURST, HASTY, UNPROVED

ZEROS = 16
"""Leading zero bits of the proof: 65,000 tries on average, a second on a slow telephone."""
SECONDS_PER_RATING = 2.0
"""Who needs less has not read the questions (Huang et al. 2012, J. Bus. Psychol. 27, 99-114)."""
FLAGGED_FROM, REFUSED_FROM = 20, 240
"""Deliveries of one network in a minute: so many are flagged, so many are asked to wait."""
REMEMBERED = 90 * 86400
"""Seconds for which a browser remembers that it has sent answers."""


def proved(key: str, proof: str) -> bool:
    """Whether the sender's computer did its piece of work for this key."""
    if not (proof.isascii() and proof.isdigit() and len(proof) <= 12):
        return False
    digest = hashlib.sha256(f"{key}:{proof}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> (32 - ZEROS) == 0


def signs_of(request: Request, desk: Desk, survey: Published, key: str, *, invited: bool) -> int:
    """The flags of a delivery by script; a personal link stands for itself, so it is no second time.

    What tells how long it took is added when the answers are read (`hasty`).
    """
    flags = 0 if proved(key, request.headers.get("proof", "")) else UNPROVED
    return flags | _crowded(request, desk) | (0 if invited else _again(request, desk, survey))


def signs_of_pages(
    request: Request, desk: Desk, survey: Published, key: str, answers: Answers, *, invited: bool
) -> int:
    """The flags of what came page by page: time stands in for the work of a script."""
    flags = _crowded(request, desk) | (0 if invited else _again(request, desk, survey))
    begun, _, signature = request.cookies.get(begun_cookie(survey), "").partition(".")
    if not (begun.isdigit() and hmac.compare_digest(signature.encode(), _sign(desk, key, begun).encode())):
        return flags | UNPROVED
    return flags | (HASTY | UNPROVED if too_soon(time.time() - int(begun), survey, answers) else 0)


def hasty(seconds: str, survey: Published, answers: Answers) -> int:
    """The flag of answers that took less time than the questions take to read, as the script measured it."""
    known = seconds.isascii() and seconds.isdigit() and len(seconds) < 8
    return HASTY if known and too_soon(int(seconds), survey, answers) else 0


def too_soon(seconds: float, survey: Published, answers: Answers) -> bool:
    """Whether so many seconds are too few for the ratings that were given."""
    given = sum(
        field.kind == "rating" and 0 < byte <= HIGHEST_ANSWER
        for field, byte in zip(survey.book.fields, answers.closed, strict=True)
    )
    return seconds < SECONDS_PER_RATING * given


def check_parkings(request: Request, desk: Desk) -> None:
    """Ask a network to wait that has very many visits kept within a minute: each takes room here for a week."""
    if desk.parkings.count(request.client.host if request.client else "") > REFUSED_FROM:
        raise HTTPException(429, N_("Very many answers come from your network just now. Please try again in a minute."))


def _crowded(request: Request, desk: Desk) -> int:
    number = desk.arrivals.count(request.client.host if request.client else "")
    if number > REFUSED_FROM:
        raise HTTPException(429, N_("Very many answers come from your network just now. Please try again in a minute."))
    return BURST if number > FLAGGED_FROM else 0


def _again(request: Request, desk: Desk, survey: Published) -> int:
    mark = request.cookies.get(sent_cookie(survey), "")
    known = mark and hmac.compare_digest(mark.encode(), _sign(desk, "sent", str(survey.answers_id)).encode())
    return AGAIN if known else 0


def mark_sent(answer: Response, desk: Desk, survey: Published) -> None:
    """Let the browser remember that it has sent answers to this survey; the mark is the same for everybody."""
    _set(answer, desk, survey, sent_cookie(survey), _sign(desk, "sent", str(survey.answers_id)), REMEMBERED)


def mark_begun(answer: Response, desk: Desk, survey: Published, key: str, seconds: int, ago: int = 0) -> None:
    """Sign the moment at which answering page by page began; only the browser keeps it."""
    now = str(int(time.time()) - ago)
    _set(answer, desk, survey, begun_cookie(survey), f"{now}.{_sign(desk, key, now)}", seconds)


def sent_cookie(survey: Published) -> str:
    """The name of the cookie that says that answers were sent."""
    return f"fgd-{survey.slug}"


def begun_cookie(survey: Published) -> str:
    """The name of the cookie with the signed start."""
    return f"fgt-{survey.slug}"


def _sign(desk: Desk, what: str, value: str) -> str:
    return hmac.new(desk.secret, f"{what}:{value}".encode(), "sha256").hexdigest()[:32]


def _set(answer: Response, desk: Desk, survey: Published, name: str, value: str, seconds: int) -> None:
    path, secure = f"/s/{survey.slug}", desk.settings.secure
    answer.set_cookie(name, value, path=path, httponly=True, samesite="lax", secure=secure, max_age=seconds)
