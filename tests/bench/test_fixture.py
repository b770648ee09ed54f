"""The trees of a large thread that bench.posting measures."""

from bench.fixture import same_trees, thread


def test_each_list_has_whole_trees_of_the_wanted_sizes_that_no_other_list_has() -> None:
    small, large = thread(74), thread(2_000)
    lists = list(same_trees(small, large))[:5]
    assert len(lists) == 5
    places = [place for chosen in lists for place in chosen]
    assert len(places) == len(set(places))
    for chosen in lists:
        assert {large[place].parent for place in chosen} - {None} <= set(chosen)
        whole = {place for place, row in enumerate(large) if row.parent in chosen}
        assert whole <= set(chosen)
        assert [row.parent for row in small].count(None) == [large[n].parent for n in chosen].count(None)
        assert abs(len(chosen) - len(small)) <= 5
