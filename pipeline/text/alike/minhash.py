"""Which of many texts are nearly equal: MinHash signatures find the candidates, and their shingles decide.

A text that shares a band of its signature with another one is compared with it. The comparison is exact for
texts of up to `MOST` shingles; of a longer text it sees the `MOST` shingles with the smallest hashes. So a
text needs 1.5 kilobytes at most, however long it is. This module does not know where texts come from.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.text.alike.shingles import Hashes, mixed, shingles

MOST = 256
PERMUTATIONS = 256
_AT_ONCE = 1024
"""shingles that are permuted at once: a long text would need much memory"""
_MISSED = 0.001
"""how often two texts that are just nearly equal may share no band"""
_UNSURE = 0.12
"""how far a signature's estimate may be off: four times its standard deviation"""
_LONGEST_CHAIN = 100
"""texts of a band that are looked at: where more share it, it is a phrase that all of them have"""
_NUMBERS = np.arange(1, 2 * PERMUTATIONS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
_FACTORS, _TERMS = (mixed(_NUMBERS) | np.uint32(1)).reshape(2, PERMUTATIONS, 1)
"""an odd factor and a term make a permutation of all numbers of 32 bits"""


def likeness(one: Hashes, other: Hashes) -> float:
    """The Jaccard similarity of two sets of shingles: what they have in common, of all that they have."""
    cut = [hashes[-1] for hashes in (one, other) if len(hashes) >= MOST]
    if cut:  # below the smaller of the last hashes, both are whole
        one, other = (hashes[: np.searchsorted(hashes, min(cut), "right")] for hashes in (one, other))
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common or 1)


def signature(hashes: Hashes) -> NDArray[np.uint16]:
    """For each permutation, the last bits of the smallest hash: as many agree as the texts are alike."""
    smallest = np.full(PERMUTATIONS, 0xFFFFFFFF, np.uint32)
    for at in range(0, len(hashes), _AT_ONCE):
        permuted = hashes[at : at + _AT_ONCE] * _FACTORS + _TERMS
        np.minimum(smallest, permuted.min(axis=1), out=smallest)
    return smallest.astype(np.uint16)


def rows_of_a_band(most: float) -> int:
    """How many numbers of a signature make a band, so that few pairs that are alike share none."""
    fits = (n for n in range(PERMUTATIONS, 0, -1) if (1 - most**n) ** (PERMUTATIONS // n) <= _MISSED)
    return next(fits, 1)


class Alike:
    """Texts, of which those are wanted that are more alike than `most`."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._signatures, self._hashes = bytearray(), array("I")
        self._ends, self._owners = array("Q", [0]), array("I")

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, text: str, owner: int) -> None:
        """One more text. Those of one owner are not compared with each other."""
        hashes = shingles(text)
        self._signatures += signature(hashes).tobytes()
        self._hashes.frombytes(hashes[:MOST].tobytes())
        self._ends.append(len(self._hashes))
        self._owners.append(owner)

    def found(self, order: Sequence[int]) -> Iterator[tuple[int, list[tuple[float, int]]]]:
        """Each text that is nearly equal to one before it in the order, with those and their likeness.

        A text that is found is not compared with those after it, so that one of them can stand for all.
        """
        if len(self) < 2:
            return
        signatures = np.frombuffer(self._signatures, np.uint16).reshape(len(self), PERMUTATIONS)
        owners, buckets = np.frombuffer(self._owners, np.uint32), self._buckets(signatures)
        chains = _Chains(buckets)
        shared = np.any(buckets >= 0, axis=1).tolist()
        for i in order:
            if not shared[i]:
                continue
            others = chains.before(i)
            others = others[owners[others] != owners[i]]
            agreeing = (signatures[others] == signatures[i]).mean(axis=1)
            sure = others[agreeing > self._most - _UNSURE].tolist()
            compared = ((likeness(self._of(i), self._of(j)), j) for j in sure)
            near = [one for one in compared if one[0] > self._most]
            if near:
                yield i, sorted(near, key=lambda one: (-one[0], one[1]))
            else:
                chains.add(i)

    def _of(self, i: int) -> Hashes:
        return np.frombuffer(self._hashes, np.uint32)[self._ends[i] : self._ends[i + 1]]

    def _buckets(self, signatures: NDArray[np.uint16]) -> NDArray[np.int32]:
        """For each text and band, the number of those who share the band; -1 where it is alone."""
        rows, count = rows_of_a_band(self._most), 0
        bands = PERMUTATIONS // rows
        buckets = np.empty((len(self), bands), np.int32)
        for band in range(bands):
            keys = np.zeros(len(self), np.uint64)
            for column in range(band * rows, (band + 1) * rows):
                keys = keys * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column] + np.uint64(1)
            _, numbers, sizes = np.unique(keys, return_inverse=True, return_counts=True)
            named = np.where(sizes > 1, np.cumsum(sizes > 1) - 1 + count, -1)
            count += int((sizes > 1).sum())
            buckets[:, band] = named[numbers]
        return buckets


class _Chains:
    """The texts in each bucket that were added, the last one first."""

    def __init__(self, buckets: NDArray[np.int32]) -> None:
        self._buckets = buckets
        self._last = np.full(int(buckets.max()) + 1, -1, np.int32)
        self._before = np.full(buckets.shape, -1, np.int32)

    def add(self, i: int) -> None:
        bands = np.flatnonzero(self._buckets[i] >= 0)
        numbers = self._buckets[i, bands]
        self._before[i, bands] = self._last[numbers]
        self._last[numbers] = i

    def before(self, i: int) -> NDArray[np.int32]:
        """Those who share a bucket with this one, each once."""
        bands = np.flatnonzero(self._buckets[i] >= 0)
        here = self._last[self._buckets[i, bands]]
        met = [here[:0]]
        for _ in range(_LONGEST_CHAIN):
            going_on = here >= 0
            bands, here = bands[going_on], here[going_on]
            if not len(here):
                break
            met.append(here)
            here = self._before[here, bands]
        return np.unique(np.concatenate(met))
