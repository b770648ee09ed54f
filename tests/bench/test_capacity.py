"""The simulation of a peak in bench.capacity."""

from bench import capacity


def test_the_share_of_pages_made_anew_leaves_out_polls_of_versions() -> None:
    kinds = (capacity.CACHED, capacity.MADE, capacity.FRONT, capacity.MEMBER, capacity.SEARCH, capacity.REPLY)
    costs = dict.fromkeys((*kinds, capacity.VERSION, capacity.CHANGED, capacity.NEW), capacity.Cost(1, 1))
    simulation = capacity.Simulation(costs, 1, 0)
    simulation._poll(0)
    assert len(simulation.waits) == 1
    assert simulation.pages == simulation.made == 0
    for _ in range(100):
        simulation._answer_cached(0, capacity.FRONT, capacity.STORIES)
    assert (simulation.pages, simulation.made) == (100, capacity.PROCESSES)
