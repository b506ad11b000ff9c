"""What comments are about, counted by a word list."""

from __future__ import annotations

from app.desk.appendix_parts import Column, Given, P, Section, build, column, simple
from app.desk.appendix_words import Terms
from app.desk.report_words import joined, share
from app.words import _, count, decimal, signed


def comments(terms: Terms) -> Section | None:
    """Topics of the comments; None where none were asked or none may be shown."""
    found = terms.research.comments
    if found is None:
        return None
    rows: list[tuple[str, list[Given]]] = []
    for names, topics in ((terms.dimensions, found.dimensions), (terms.stages, found.stages)):
        rows += [
            (names.get(name, name), [topic.share, topic.p_above, joined(topic.examples) or "–"])
            for name, topic in topics.items()
        ]
    heads = (column(_("Share of comments"), share), Column(_("p: more than others"), P.form), Column(_("Words found")))
    keys = simple(
        _("Words that one question's comments use more than the other's"),
        (_("Word"), _("First question"), _("Second question"), "z", "q"),
        ((one.term, [count(one.count), count(one.other), signed(one.z), P.form(one.q)]) for one in found.key_terms),
        True,
    )
    told = _("%(n)s comments; a word list files all but %(share)s of them.") % {
        "n": count(found.n),
        "share": share(found.unfiled.value),
    }
    if found.unfiled.value is None:
        told = _("The comments cannot be counted by topic: %(n)s are too few.") % {"n": count(found.n)}
    tables = [build(terms, _("What comments are about"), _("Topic"), heads, rows), keys]
    note = _(
        "Comments are filed by words, in the open; nothing is guessed about feelings, and a comment may stand under "
        "several topics. Log-odds with a prior; q by Benjamini-Hochberg, from |z| %(z)s on."
    ) % {"z": decimal(terms.thresholds.keyness_z)}
    return Section("comments", _("Comments"), told, (note,), tuple(table for table in tables if table.rows))
