"""One function turns any error into a page: what happened, in a sentence, and what to do."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from app.access import SignInNeeded, sign_in_address
from app.respond import view
from app.words import N_, _, negotiate, render, speak

log = logging.getLogger("fivegaps")

SENTENCES: dict[int, tuple[str, str]] = {
    400: (
        N_("This could not be read"),
        N_("The request was not in a form this page understands. Go back and send it again."),
    ),
    403: (N_("Not from here"), N_("The request was refused. Open the page again and repeat the step.")),
    404: (N_("There is nothing here"), N_("The address may be mistyped, or you may need to sign in.")),
    405: (N_("Not this way"), N_("This address cannot be used like that. Go back and use the buttons of the page.")),
    413: (N_("Too much at once"), N_("At most 256 kB can be sent. Shorten the text and send it again.")),
    415: (N_("This kind of file is not taken"), N_("Send the form from its page.")),
    422: (
        N_("Something in the address is wrong"),
        N_("A part of the address is not allowed. Go back and follow a link."),
    ),
    408: (N_("That took too long"), N_("The form did not arrive in time. Go back and send it again.")),
    500: (N_("Something went wrong here"), N_("The fault is on our side and has been noted. Go back and try again.")),
    503: (
        N_("Please try again in a moment"),
        N_(
            "The answers could not be stored just now. They are still in your browser: "
            "go back one page and send it again."
        ),
    ),
    507: (
        N_("The server is full"),
        N_(
            "The answers could not be stored. They are still in your browser: go back one page and send it again later."
        ),
    ),
}


LOST_CUSTOMER = (
    N_("There is no survey here"),
    N_("The address may be mistyped. Please scan the QR code again, or ask your bank for the link."),
)


def install(app: FastAPI) -> None:
    """Give the application its error pages."""

    @app.exception_handler(SignInNeeded)
    def to_sign_in(request: Request, error: Exception) -> Response:
        return RedirectResponse(sign_in_address(request), 303)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = str(error.detail or "")
        known = detail != HTTPStatus(error.status_code).phrase  # the framework's own words are no sentence
        return problem(request, error.status_code, detail if known else "")

    @app.exception_handler(RequestValidationError)
    def not_allowed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "request"
        return problem(request, 422, f"{where}: the value is {str(first.get('input'))[:60]!r}; {first['msg'].lower()}.")

    @app.exception_handler(SQLAlchemyError)
    def not_stored(request: Request, error: Exception) -> Response:
        log.error("database: %s", type(error).__name__, exc_info=error)
        full = "full" in str(error).lower()
        return problem(request, 507 if full else 503)

    @app.exception_handler(Exception)
    def unforeseen(request: Request, error: Exception) -> Response:
        log.error("unforeseen fault at %s", _without_token(request.url.path), exc_info=error)
        answer = problem(request, 500)
        # This answer is made outside the layer that adds the headers.
        answer.headers.update(
            {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; style-src 'self'"}
        )
        return answer

    @app.exception_handler(TimeoutError)
    def too_slow(request: Request, error: Exception) -> Response:
        log.error("the writer did not answer in time")
        return problem(request, 503)


def _without_token(path: str) -> str:
    """A path as it may stand in a log: what follows /i/ opens somebody's link."""
    return "/i/…" if path.startswith("/i/") else path


def problem(request: Request, status: int, detail: str = "") -> Response:
    """An error page in the reader's language; JSON where JSON was asked for."""
    speak(negotiate(request.query_params.get("lang"), request.headers.get("accept-language")))
    lost = status == 404 and request.url.path.startswith("/s/")
    title, sentence = (
        LOST_CUSTOMER if lost else SENTENCES.get(status, (N_("This did not work"), N_("Go back and try again.")))
    )
    headers = {"retry-after": "5"} if status == 503 else {}
    if "application/json" in request.headers.get("accept", "") and "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": {"status": status, "message": detail or sentence}}, status, headers)
    words = (_(title), _(detail or sentence))
    # A customer meets errors in the form's own looks.
    customer = request.url.path.startswith(("/s/", "/i/"))
    text = (
        view.problem(*words) if customer else render("problem.html", title=words[0], sentence=words[1], status=status)
    )
    return HTMLResponse(text, status, headers)
