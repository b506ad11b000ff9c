"""A questionnaire that a form carries from page to page: nothing is stored before it is published."""

from __future__ import annotations

import base64
import binascii
import zlib

from surveys.authoring import MAX_BYTES, loads
from surveys.exchange.written import as_yaml
from surveys.questionnaire import Questionnaire


def pack(questionnaire: Questionnaire) -> str:
    """A questionnaire as a field of a form carries it from page to page."""
    return base64.b64encode(zlib.compress(as_yaml(questionnaire).encode(), 9)).decode()


def unpack(text: str) -> Questionnaire:
    """The questionnaire in such a field, read and checked like any file.

    Raises QuestionnaireError or ValueError when there is none in it.
    """
    try:
        opener = zlib.decompressobj()
        data = opener.decompress(base64.b64decode(text, validate=True), MAX_BYTES + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("no questionnaire") from error
    if len(data) > MAX_BYTES or not opener.eof:
        raise ValueError("too large, or cut off")
    return loads(data.decode("utf-8"))
