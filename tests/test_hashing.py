"""Hashes of identities depend on nothing but the identity."""

from __future__ import annotations

from unittest.mock import patch

import pyarrow as pa

from sessionize.core import hashing
from sessionize.core.hashing import identity_hashes

TEXTS = pa.array(["x" * size + last for size in (0, 1, 6, 7, 8, 9, 15, 16, 40) for last in "ab"] + [""])


def test_different_texts_have_different_hashes() -> None:
    assert len(set(identity_hashes([TEXTS]).tolist())) == len(TEXTS)


def test_a_text_has_one_hash_wherever_it_stands() -> None:
    expected = identity_hashes([TEXTS]).tolist()

    alone = [identity_hashes([TEXTS.slice(place, 1)])[0] for place in range(len(TEXTS))]
    encoded = identity_hashes([TEXTS.dictionary_encode()])
    with patch.object(hashing, "_SLICE_ROWS", 3):
        sliced = identity_hashes([TEXTS])

    assert alone == encoded.tolist() == sliced.tolist() == expected


def test_columns_are_not_interchangeable() -> None:
    one, other = pa.array(["a"]), pa.array(["b"])

    assert identity_hashes([one, other]) != identity_hashes([other, one])
