"""Requests for removal or correction."""

from moderation.models import RemovalRequest
from moderation.reports import removal_requests


def filled(url, **fields) -> dict[str, str]:
    return {
        "url": url,
        "requested_action": "correct",
        "passage": "“in 2014”: it was 2013.",
        "reason": "I signed the paper.",
        "role": "subject",
        "name": "Nia",
        "email": "nia@example.org",
    } | fields


def make_request(article, comment=None, **fields) -> RemovalRequest:
    values = filled("")
    del values["url"]
    return removal_requests.send_request(article=article, comment=comment, **(values | fields))
