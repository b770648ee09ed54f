"""Time zones to choose from, and their search by name."""

from functools import cache
from zoneinfo import available_timezones

REGIONS = {
    *("Africa", "America", "Antarctica", "Arctic", "Asia"),
    *("Atlantic", "Australia", "Europe", "Indian", "Pacific"),
}


@cache
def time_zone_names() -> list[str]:
    """Return the time zones to choose from: places and UTC. Older aliases are valid but not offered."""
    return ["UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in REGIONS)]


def find_time_zones(text: str) -> list[str]:
    """Return the zone of this name, or else those of places with this name, prefix or part ("oslo", "york").

    Case, spaces and underscores are ignored.
    """
    wanted = _fold(text)
    if not wanted:
        return []
    if exact := [name for name in sorted(available_timezones()) if _fold(name) == wanted]:
        return exact[:1]
    places = [(name, _fold(name.rpartition("/")[2])) for name in time_zone_names()]
    for test in (str.__eq__, str.startswith, str.__contains__):
        if found := [name for name, place in places if test(place, wanted)]:
            return found
    return []


def _fold(name: str) -> str:
    return name.casefold().replace("_", " ").strip()
