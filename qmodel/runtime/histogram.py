"""Latencies in constant room: buckets of which each power of two has sixteen."""

from __future__ import annotations

from dataclasses import dataclass, field

_FINE = 4
"""log2 of the buckets in each power of two: a percentile is at most 1/16 too high."""


@dataclass
class Histogram:
    """Counts of positive integers (microseconds)."""

    counts: dict[int, int] = field(default_factory=dict)
    total: int = 0
    largest: int = 0

    def add(self, value: int) -> None:
        bucket = _bucket(value)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.total += 1
        self.largest = max(self.largest, value)

    def percentile(self, percent: float) -> int:
        """The upper edge of the bucket in which the value lies that `percent` of all do not exceed; 0 if empty."""
        wanted, seen = self.total * percent / 100, 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return min(_upper(bucket), self.largest)
        return 0

    def by_power(self) -> list[tuple[int, int]]:
        """For each power of two p, from the first to the last that occurs: p, and how many values are in p..2p-1."""
        powers: dict[int, int] = {}
        for bucket, count in self.counts.items():
            power = _upper(bucket).bit_length() - 1
            powers[power] = powers.get(power, 0) + count
        if not powers:
            return []
        return [(1 << p, powers.get(p, 0)) for p in range(min(powers), max(powers) + 1)]


def _bucket(value: int) -> int:
    value = max(value, 1)
    shift = max(value.bit_length() - 1 - _FINE, 0)
    return (shift << (_FINE + 1)) + (value >> shift)


def _upper(bucket: int) -> int:
    shift, top = bucket >> (_FINE + 1), bucket & ((1 << (_FINE + 1)) - 1)
    return ((top + 1) << shift) - 1
