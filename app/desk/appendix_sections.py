"""All sections of the statistical appendix in their order."""

from __future__ import annotations

from collections.abc import Callable

from app.desk.appendix_answers import missing, quality
from app.desk.appendix_branches import branches
from app.desk.appendix_causes import causes
from app.desk.appendix_comments import comments
from app.desk.appendix_effects import drivers, performance
from app.desk.appendix_gaps import gaps
from app.desk.appendix_groups import comparability, groups
from app.desk.appendix_kano import features
from app.desk.appendix_outcomes import outcomes
from app.desk.appendix_parts import Section
from app.desk.appendix_scales import reliability
from app.desk.appendix_structure import structure
from app.desk.appendix_wave import course, methods, sample
from app.desk.appendix_waves import repeated, waves
from app.desk.appendix_words import Terms

SECTIONS: tuple[Callable[[Terms], Section | None], ...] = (
    waves,
    causes,
    reliability,
    repeated,
    structure,
    comparability,
    gaps,
    groups,
    branches,
    drivers,
    performance,
    features,
    outcomes,
    course,
    sample,
    quality,
    missing,
    comments,
    methods,
)


def sections(terms: Terms) -> tuple[Section, ...]:
    """Every family, whatever it found."""
    made = (family(terms) for family in SECTIONS)
    return tuple(section for section in made if section is not None)
