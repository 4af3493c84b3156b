"""How sessions differ from those that they replace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from sessionize.core.columns import column
from sessionize.core.fragments import identity_names, together
from sessionize.core.ordering import equality_keys
from sessionize.rules import SessionRules
from sessionize.store.spans import Mask, Rows, holders


@dataclass(frozen=True)
class Counts:
    """What became of sessions.

    Attributes:
        added: Sessions that stand where none stood.
        extended: Sessions that stand in the place of one, with other events or another reason.
        merged: Sessions that became one with another.
        removed: Sessions of which no event is left.
    """

    added: int = 0
    extended: int = 0
    merged: int = 0
    removed: int = 0


def unchanged(old: pa.Table, new: pa.Table, rules: SessionRules) -> tuple[Mask, Mask]:
    """Find the sessions that are the same in both tables, hidden state and all.

    Args:
        old: n sessions, as fragments.
        new: m sessions, as fragments.
        rules: What a session is.

    Returns:
        bool, shape (n,), and bool, shape (m,): whether the session stands in the other table as well.
    """
    both = together([old.select(new.column_names), new])
    names = [*identity_names(rules), "start_us", *(["ordinal"] if rules.is_sequential else [])]
    keys = [equality_keys(column(both, name)) for name in names]
    order = np.lexsort(keys)
    left, right = order[:-1], order[1:]
    same = np.ones(len(left), bool)
    for key in keys:
        same &= key[left] == key[right]
    left, right = left[same], right[same]
    for name in both.column_names:
        equal = equal_values(column(both, name), left, right)
        left, right = left[equal], right[equal]
    found = np.zeros(len(both), bool)
    found[left] = found[right] = True
    return found[: len(old)], found[len(old) :]


def equal_values(values: pa.Array, left: Rows, right: Rows) -> Mask:
    """Compare values pairwise: NaN equals NaN, null equals null.

    Args:
        values: An array of any type.
        left: int64, shape (n,): places in it.
        right: int64, shape (n,): as many places.

    Returns:
        bool, shape (n,).
    """
    if isinstance(values, pa.ExtensionArray):
        return equal_values(values.storage, left, right)
    is_null = np.asarray(values.is_null().to_numpy(zero_copy_only=False), bool)
    both_null, agree = is_null[left] & is_null[right], is_null[left] == is_null[right]
    if pt.is_struct(values.type):
        for part in values.flatten():
            agree &= both_null | equal_values(part, left, right)
        return agree
    if not pt.is_list(values.type):
        key = equality_keys(values)
        return agree & (both_null | (key[left] == key[right]))
    sizes = values.value_lengths().fill_null(0).to_numpy()
    agree &= sizes[left] == sizes[right]
    return agree & _equal_lists(values, np.where(agree, sizes[left], 0), left, right)


def _equal_lists(values: pa.Array, sizes: Rows, left: Rows, right: Rows) -> Mask:
    """Compare lists pairwise; both of a pair have `sizes` items, or none is compared."""
    offsets = values.offsets.to_numpy()
    pair = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(len(pair)) - (np.cumsum(sizes) - sizes)[pair]
    equal = equal_values(values.values, offsets[left][pair] + within, offsets[right][pair] + within)
    return np.bincount(pair[~equal], minlength=len(sizes)) == 0


def counts(old: pa.Table, new: pa.Table, rules: SessionRules) -> Counts:
    """Say what became of sessions that are stale.

    Args:
        old: The stale sessions, as fragments.
        new: The sessions that are new or changed.
        rules: What a session is.
    """
    held, holding = holders(new, old, rules), holders(old, new, rules)
    pairs = np.concatenate(
        [
            np.stack([held, np.arange(len(old))])[:, held >= 0],
            np.stack([np.arange(len(new)), holding])[:, holding >= 0],
        ],
        axis=1,
    )
    of_new, of_old = np.unique(pairs, axis=1)
    replaces = np.bincount(of_new, minlength=len(new))
    return Counts(
        added=int((replaces == 0).sum()),
        extended=int((replaces == 1).sum()),
        merged=int(replaces[replaces > 1].sum()),
        removed=len(old) - len(np.unique(of_old)),
    )
