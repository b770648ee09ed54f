"""What is refused because it comes too often: 429 with Retry-After, and the form with what was typed."""

from django.http import HttpRequest, HttpResponse


def refuse(request: HttpRequest, seconds: int) -> None:
    """Have the answer to this request be 429, whatever page a view makes of it."""
    request.retry_after = seconds  # type: ignore[attr-defined]


def mark_refused(request: HttpRequest, response: HttpResponse) -> None:
    """Say it in the answer, if it was refused."""
    if seconds := getattr(request, "retry_after", 0):
        response.status_code = 429
        response["Retry-After"] = str(seconds)
