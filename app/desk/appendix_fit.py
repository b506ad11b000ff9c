"""Which fit indices a table shows: robust ones where they are defined, else scaled, else plain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from analysis.confirm.fit import FitTable
from analysis.results import Statistic
from app.words import _

Kind = Literal["robust", "scaled", "plain"]
KINDS: tuple[Kind, ...] = ("robust", "scaled", "plain")


@dataclass(frozen=True)
class Indices:
    """The indices of one model that stand in tables and sentences."""

    kind: Kind
    chi2: Statistic  # scaled where the indices are robust: a chi-square has no robust form
    p: Statistic
    cfi: Statistic
    tli: Statistic
    rmsea: Statistic


def kind_of(fit: FitTable) -> Kind:
    """The best kind that a model has."""
    given = {"robust": fit.cfi_robust, "scaled": fit.cfi_scaled}
    return next((kind for kind in KINDS if kind in given and given[kind].value is not None), "plain")


def indices_of(fit: FitTable, main: Kind | None = None) -> Indices:
    """The best indices of a model; flagged where they are not of the table's `main` kind."""
    kind = kind_of(fit)
    end = "" if kind == "plain" else f"_{kind}"
    found = [getattr(fit, f"{name}{end}") for name in ("cfi", "tli", "rmsea")]
    if main is not None and kind != main and found[0].value is not None:
        found = [one.flagged(f"{kind}_indices") for one in found]
    tested = (fit.chi2, fit.p) if kind == "plain" else (fit.chi2_scaled, fit.p_scaled)
    return Indices(kind, *tested, *found)


def main_kind(fits: Iterable[FitTable | None]) -> Kind:
    """The best kind that any model of a table has."""
    known = {kind_of(fit) for fit in fits if fit is not None}
    return next((kind for kind in KINDS if kind in known), "plain")


def index_head(name: str, kind: Kind) -> str:
    """The heading of an index, with its kind."""
    forms = {"robust": _("%(index)s (robust)"), "scaled": _("%(index)s (scaled)"), "plain": "%(index)s"}
    return forms[kind] % {"index": name}


def chi2_head(kind: Kind) -> str:
    """The heading of the chi-square beside indices of a kind."""
    return index_head("χ²", "plain" if kind == "plain" else "scaled")


def kind_note(kind: Kind) -> str:
    """What the kind of the indices means; empty for plain ones."""
    return {
        "robust": _("Robust indices: as normal and complete ratings would give them; the guides are for these."),
        "scaled": _("Scaled indices: allowing for ratings that are not normal or not complete."),
        "plain": "",
    }[kind]
