"""Sealed answers open with their own secret, unchanged, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.sealing import Unsealable, private_key, public_point, seal, seal_for, unseal, unseal_from

KEY = private_key(b"m" * 32)


@given(st.binary(max_size=500))
def test_what_was_sealed_opens_again(data: bytes) -> None:
    assert unseal("CODE", seal("CODE", data)) == data
    assert unseal_from(KEY, seal_for(public_point(KEY), data)) == data


def test_another_secret_opens_nothing() -> None:
    with pytest.raises(Unsealable):
        unseal("CODF", seal("CODE", b"answers"))
    with pytest.raises(Unsealable):
        unseal_from(private_key(b"n" * 32), seal_for(public_point(KEY), b"answers"))


OPENERS: list[tuple[bytes, Callable[[bytes], bytes]]] = [
    (seal("CODE", b"answers"), lambda data: unseal("CODE", data)),
    (seal_for(public_point(KEY), b"answers"), lambda data: unseal_from(KEY, data)),
]


@given(st.integers(0, 99), st.integers(1, 255))
def test_changed_bytes_are_noticed(place: int, change: int) -> None:
    for sealed, opened in OPENERS:
        changed = bytearray(sealed)
        changed[place % len(changed)] ^= change
        with pytest.raises(Unsealable):
            opened(bytes(changed))


@given(st.binary(max_size=120))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Unsealable):
        unseal_from(KEY, data)


def test_key_is_the_same_in_every_process_and_another_for_another_master() -> None:
    assert public_point(private_key(b"m" * 32)) == public_point(KEY) != public_point(private_key(b"n" * 32))
