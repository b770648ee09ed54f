"""The simulation of a peak in bench.hosts."""

from bench import hosts


def test_the_share_of_pages_made_anew_leaves_out_polls_of_versions() -> None:
    kinds = (hosts.CACHED, hosts.MADE, hosts.FRONT, hosts.MEMBER, hosts.SEARCH, hosts.REPLY)
    costs = dict.fromkeys((*kinds, hosts.VERSION, hosts.CHANGED, hosts.NEW), hosts.Cost(1, 1))
    simulation = hosts.Simulation(costs, 1, 0)
    simulation._poll(0)
    assert len(simulation.waits) == 1
    assert simulation.pages == simulation.made == 0
    for _ in range(100):
        simulation._answer_cached(0, hosts.FRONT, hosts.STORIES)
    assert (simulation.pages, simulation.made) == (100, hosts.PROCESSES)
