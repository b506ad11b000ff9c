"""A published survey as the respondent's pages need it, kept ready for a moment."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from app.requests import Desk
from app.respond.shell import Trial
from app.respond.view import SurveyView
from surveys.coding import Answers, Codebook, codebook
from surveys.form import Page, pages, visible
from surveys.lots import Lot, asked, left_out, lots
from surveys.order import seed_of
from surveys.piping import BRANCH, names_in
from surveys.questionnaire import Questionnaire
from surveys.store import lifecycle, publish
from surveys.store.database import reading
from surveys.store.quotas import Limit, all_of

FRESH_SECONDS = 1.0  # so long may a page not know that the survey was closed


@dataclass(frozen=True)
class Published:
    """One survey with everything derived from its frozen questionnaire.

    `pilot_id` is the survey that keeps the answers of its trial runs, if there was one.  `preview` says that somebody
    of the desk looks at a draft, of which nothing is taken in.
    """

    id: int
    slug: str
    questionnaire: Questionnaire
    book: Codebook
    pages: tuple[Page, ...]
    bank: str
    opens_on: date
    closes_on: date | None
    ended_on: date | None
    phase: str
    simulated: bool
    key: str
    pilot_id: int | None = None
    preview: bool = False
    invited_only: bool = False
    quotas: tuple[Limit, ...] = ()

    def state(self, today: date) -> str:
        """As `surveys.store.publish.state`."""
        return publish.state(self, today)

    @property
    def answers_id(self) -> int:
        """The survey under which answers are kept: in a trial run that is not this one."""
        return self.pilot_id if self.phase == "pilot" and self.pilot_id is not None else self.id

    def keeps(self, survey_id: int) -> bool:
        """Whether receipts of answers kept there open here: of its own, or of its pilot."""
        return survey_id in (self.id, self.pilot_id)

    @property
    def trial(self) -> Trial:
        """What is to be said of it above every page."""
        return "preview" if self.preview else "pilot" if self.phase == "pilot" else ""

    def looked_at(self) -> Published:
        """The same for somebody of the desk: pages and kept answers of a preview are told apart by its key."""
        return replace(self, preview=True, key=f"{self.key}:preview")

    @cached_property
    def lots(self) -> tuple[Lot, ...]:
        """What is drawn from in the short form."""
        return lots(self.questionnaire)

    def begun(self, key: str) -> Answers:
        """The answers of a visit before anything is answered: what it is not to be asked is marked already."""
        return Answers.begun(self.book, left_out(self.lots, key)) if self.lots else Answers.blank(self.book)

    @cached_property
    def names_branch(self) -> bool:
        """Whether the wording of an item names the branch."""
        return any(BRANCH in names_in(card.asked) for page in self.pages for card in page.cards)

    def order(self, key: str) -> int:
        """The seed of the items' order in a visit; 0 where they stand in the questionnaire's own."""
        return seed_of(key) if self.questionnaire.shuffled else 0

    @cached_property
    def _minutes(self) -> int | None:
        """What the questionnaire says, or the part of it that the short form takes; alike for everybody."""
        whole = self.questionnaire.minutes
        if not whole or not self.lots:
            return whole
        met = sum(len(visible(page, self.book, self.begun(""))) for page in self.pages if not page.conditional)
        return math.ceil(whole * met / sum(len(page.cards) for page in self.pages if not page.conditional))

    def view(self, code: str = "") -> SurveyView:
        """What the templates show of it."""
        questionnaire = self.questionnaire
        return SurveyView(
            key=self.key,
            slug=self.slug,
            bank=self.bank,
            title=questionnaire.title,
            intro=questionnaire.intro,
            languages=questionnaire.languages,
            simulated=self.simulated,
            minutes=self._minutes,
            closes=self.closes_on,
            keeper=self.bank,
            floor=questionnaire.min_group,
            questions=asked(questionnaire) or sum(len(page.cards) for page in self.pages),
            drawn_from=len(questionnaire.items) if self.lots else 0,
            lots=self.lots,
            shuffled=questionnaire.shuffled,
            format=questionnaire.format,
            audience=questionnaire.audience,
            path=f"/s/{self.slug}/{code}" if code else f"/s/{self.slug}",
            trial=self.trial,
        )


_kept: dict[tuple[int, str], tuple[float, Published | None]] = {}


def published(desk: Desk, slug: str) -> Published | None:
    """The survey at a slug; what is frozen is made once, what may change is read again after a second."""
    known = _kept.get((id(desk), slug))
    if known and time.monotonic() - known[0] < FRESH_SECONDS:
        return known[1]
    with reading(desk.engine) as session:
        survey = publish.find(session, slug)
        kept = lifecycle.pilot(session, survey) if survey else None
        trial = survey is not None and survey.phase == "pilot"  # a trial run fills no quota
        limits = all_of(session.connection(), survey.id or 0) if survey and not trial else ()
    before = known[1] if known else None
    if survey is None or survey.pilot_of is not None:
        found = None
    else:
        if before and before.key.startswith(survey.definition_hash):
            questionnaire, book, all_pages = before.questionnaire, before.book, before.pages
        else:
            questionnaire = publish.questionnaire_of(survey)
            book, all_pages = codebook(questionnaire), pages(questionnaire)
        found = Published(
            survey.id or 0,
            survey.slug,
            questionnaire,
            book,
            all_pages,
            survey.bank,
            survey.opens_on,
            survey.closes_on,
            survey.ended_on,
            survey.phase,
            survey.simulated,
            # Pages of a trial run, and answers that a device keeps of one, must not pass for those of the survey.
            f"{survey.definition_hash}:{survey.id}" + (":pilot" if survey.phase == "pilot" else ""),
            kept.id if kept else None,
            invited_only=survey.invited_only,
            quotas=limits,
        )
    if len(_kept) > 1000:
        _kept.clear()
    _kept[(id(desk), slug)] = (time.monotonic(), found)
    return found
