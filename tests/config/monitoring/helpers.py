"""The token of the metrics page, and a parser of the page."""

from prometheus_client.parser import text_string_to_metric_families

TOKEN = "a token that is long enough"


def samples(text: str) -> dict[str, float]:
    """Return the values by name and labels, such as soundoff_jobs{ready}."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found
