"""The geometry of charts: no value is lost, and one that lies far away does not squeeze the others together."""

import random
from itertools import pairwise

from monitors.charts import MAX_BINS, Bin, bins


def test_values_beyond_the_reach_are_counted_in_the_last_bin_and_said() -> None:
    found = bins({3: 5, 9: 1, 5_000: 2}, floor=2, reach=11)
    assert found[0] == Bin(2, 2, 0)
    assert (found[-1], found[-1].label) == (Bin(11, 11, 2, more=True), "11 or more")
    assert [one.label for one in bins({3: 5}, floor=2, reach=4)] == ["2", "3", "4"]


def test_every_value_lies_in_exactly_one_bin_and_bins_are_few() -> None:
    rng = random.Random(7)
    for _ in range(50):
        counts = {rng.randint(1, 3_000): rng.randint(1, 9) for _ in range(60)}
        floor, reach = 1, rng.randint(1, 2_000)
        found = bins(counts, floor=floor, reach=reach)
        assert sum(one.number for one in found) == sum(counts.values())
        assert len(found) <= MAX_BINS
        assert all(one.high + 1 == following.low for one, following in pairwise(found))
