"""E-mail addresses that every mail server takes: ASCII before the @, and after it any domain with an ASCII form."""

from __future__ import annotations

import re

LONGEST = 254
ALLOWED = "an address as in name@bank.example, with plain letters, digits and signs before the @"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def tidy(text: str) -> str:
    """The address as mail is sent to it, its domain in ASCII (IDNA).

    Parameters
    ----------
    text
        What was written; spaces around it do not count.

    Returns
    -------
    str
        Only visible ASCII characters, so that nothing in it can end a header or a command.

    Raises
    ------
    ValueError
        When it is no address, or one that needs SMTPUTF8, which many servers lack.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        labels = domain.encode("idna").decode("ascii").lower().split(".")
    except UnicodeError as error:
        raise ValueError(ALLOWED) from error
    whole = f"{local}@{'.'.join(labels)}"
    fits = len(local) <= 64 and len(whole) <= LONGEST
    plain = _LOCAL.fullmatch(local) and all(_LABEL.fullmatch(label) for label in labels)
    if not (at and fits and plain and len(labels) > 1 and not labels[-1].isdigit()):
        raise ValueError(ALLOWED)
    return whole


def same(address: str) -> str:
    """By which two addresses are one: no mail server of today tells capitals apart."""
    return address.lower()
