"""Reading of the editor page's requests: the fields, and the forms that a request continues."""

import json
from uuid import UUID, uuid4

from django.core.exceptions import BadRequest
from django.http import HttpRequest

from articles.editing.autosaves import FormFields
from articles.models import OpenForm
from core.query_forms import parse_number_or_zero


def posted_fields(request: HttpRequest) -> FormFields:
    """Return the fields of the form as the browser sent them."""
    hidden = {"csrfmiddlewaretoken", "nonce", "read"}
    return _strip_unstorable(
        {name: values for name, values in request.POST.lists() if name not in hidden and name[:1] != "_"}
    )


def autosaved_fields(request: HttpRequest) -> FormFields | None:
    """Return the fields that the script sent; None if it sent none. Raises BadRequest."""
    if "typed" not in request.POST:
        return None
    try:
        return _strip_unstorable(json.loads(request.POST["typed"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRequest from error


def _strip_unstorable(fields: FormFields) -> FormFields:
    """Return the fields without what PostgreSQL cannot store in a text: NUL and lone surrogates."""

    def strip(value: str) -> str:
        return value.replace("\x00", "").encode(errors="replace").decode()

    return {strip(name): [strip(value) for value in values] for name, values in fields.items()}


def posted_forms(request: HttpRequest) -> list[OpenForm]:
    """Return the forms in the field `nonce`: the last sent the request and continues those before it."""
    forms = []
    for word in request.POST.get("nonce", "").split():
        nonce, _colon, change_number = word.partition(":")
        try:
            forms.append(OpenForm(UUID(nonce), parse_number_or_zero(change_number)))
        except ValueError:
            return []
    return forms


def new_form() -> OpenForm:
    return OpenForm(uuid4(), 0)


def form_nonce(request: HttpRequest) -> UUID:
    """Return the nonce of the first form, which stays the same in all that continue it until it is saved."""
    return (posted_forms(request) or [new_form()])[0].nonce
