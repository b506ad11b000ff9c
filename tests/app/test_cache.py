"""Derived results are made once, and leave with the release they were made from."""

import threading

from app.cache import Cache


def test_result_is_made_once_by_many_at_a_time() -> None:
    cache, made, start = Cache(), [], threading.Barrier(8)

    def ask() -> None:
        start.wait()
        cache.get(("page", 1, 1), lambda: made.append(1) or "made")  # type: ignore[func-returns-value]

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_earlier_revisions_are_dropped_and_other_surveys_kept() -> None:
    cache = Cache()
    for survey, revision in ((1, 1), (1, 2), (2, 1)):
        cache.get(("holdings", survey, revision), lambda at=(survey, revision): at)
    cache.renew(1, 2)
    assert cache.get(("holdings", 1, 1), lambda: "again") == "again"
    assert cache.get(("holdings", 1, 2), lambda: "again") == (1, 2)
    assert cache.get(("holdings", 2, 1), lambda: "again") == (2, 1)


def test_failed_making_can_be_tried_again() -> None:
    cache = Cache()
    for made in (None, "made"):
        try:
            result = cache.get(("page", 1, 1), lambda made=made: made or 1 / 0)
        except ZeroDivisionError:
            continue
        assert result == "made"
