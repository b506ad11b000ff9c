"""The translations are whole."""

from tests.catalogue import faults


def test_every_text_of_the_interface_has_its_chinese() -> None:
    assert faults() == []
