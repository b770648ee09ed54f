"""The audit log: its filters, its pages and its CSV file, in which no formula runs."""

import csv
import io
import re
from datetime import UTC, date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from comments.models import Reason, State, Transition
from comments.services.editing import edit_comment
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states, delete_comment
from core.paging import PageCursor, older_than
from moderation.actions.decisions import decide, move, undo
from moderation.models import Action
from moderation.transparency import audit_log as log
from tests.factories import UserFactory, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]
URL = "/moderation/log/"


def listed_ids(client, query: str = "") -> list[int]:
    return [row.entry.pk for row in client.get(URL + query).context["rows"]]


def test_only_moderators_read_it(client):
    for path in (URL, reverse("moderation:audit-log-csv")):
        assert client.get(path).status_code == 302
    for role in ("Editor", ""):
        client.force_login(UserFactory.create(roles=(role,) if role else ()))
        assert client.get(URL).status_code == 403
        assert client.get(reverse("moderation:audit-log-csv")).status_code == 403


def test_entries_are_found_by_every_filter(maria_client, maria):
    slip, pier = make_article("The slip closes"), make_article("The pier opens")
    one, two, three = make_comment(slip), make_comment(slip), make_comment(pier)
    decide(ids=[one.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    decide(ids=[three.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    change_states(ids=[two.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    move(comment=two, parent=one, actor=maria)

    def comments(query: str) -> list[int]:
        lines = [row.entry for row in maria_client.get(URL + query).context["rows"]]
        return [line.comment_id for line in lines]

    assert comments("") == [two.pk, two.pk, three.pk, one.pk, three.pk, two.pk, one.pk]
    assert comments("?what=spam") == [two.pk, one.pk]
    assert comments("?what=spam&by=machine") == [two.pk]
    assert comments("?what=spam&by=person") == [one.pk]
    assert comments("?what=moved") == [two.pk]
    assert comments("?reason=insult") == [three.pk]
    assert comments("?who=maria&what=removed") == [three.pk]
    assert comments(f"?who=%23{maria.pk}&what=spam") == [one.pk]
    assert comments("?who=maria@example.org") == []  # names only: an e-mail is not searched
    assert "maria@example.org" not in maria_client.get(URL).text
    assert comments("?who=nobody") == []
    assert comments("?article=pier") == comments("?article=/the-pier-opens/") == [three.pk, three.pk]
    assert comments(f"?comment={one.pk}") == [one.pk, one.pk]
    today = timezone.localdate()
    assert len(comments(f"?since={today}&until={today}")) == 7
    assert comments(f"?until={today - timedelta(days=1)}") == []


def test_posting_is_not_shown_as_a_decision(maria_client, maria):
    article = make_article()
    comment = make_comment(article)
    make_comment(article, author=UserFactory.create(name="Noor"))
    edit_comment(comment=comment, body="Another word.", user=None, guest=comment.guest)
    decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    events = [(row.event, row.who) for row in maria_client.get(URL).context["rows"]]
    assert events == [
        ("Removed: insult", ""),
        ("Text edited", "its author"),
        ("Published: posted", ""),
        ("Published: posted", "its author"),
    ]
    assert len(listed_ids(maria_client, "?by=person")) == 1
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert len(listed_ids(maria_client, "?by=machine")) == 1


def test_undone_postings_and_imports_were_not_deleted_by_an_author(maria_client, maria):
    article = make_article(source_key="one")
    deleted, undone = make_comment(article), make_comment(article)
    delete_comment(comment=deleted, user=None, guest=deleted.guest)
    delete_comment(comment=undone, user=None, guest=undone.guest, reason=Reason.POSTING_UNDONE)
    rows = [ImportedComment(source_id="1", author_name="Jim", body="Jim.", created_at=timezone.now())]
    brought = Action.objects.create(kind=Action.Kind.IMPORT, actor=maria)
    import_comments(article=article, comments=rows, actor=maria, action_id=brought.pk)
    taken_back = undo(action=brought, actor=maria).action
    undo(action=taken_back, actor=maria)
    page = maria_client.get(URL)
    assert [(row.event, row.before) for row in page.context["rows"]][:4] == [
        ("Published: imported", "Import undone"),
        ("Import undone", "Published"),
        ("Published: imported", ""),
        ("Posting undone by its author", "Published"),
    ]
    assert [row.entry.comment_id for row in maria_client.get(f"{URL}?what=deleted").context["rows"]] == [
        deleted.pk
    ]
    assert len(listed_ids(maria_client, "?what=undone")) == 2

    undo(action=Action.objects.get(undoes=taken_back), actor=maria)
    recent = maria_client.get("/moderation/?queue=recent").context["rows"]
    assert [item.state for item, _url, _is_open in recent] == [
        "Import undone",
        "Posting undone by its author",
        "Deleted by its author",
    ]
    card = maria_client.get(f"/moderation/comments/{undone.pk}/").text
    assert "Posting undone by its author" in card
    assert "Deleted by its author" not in card


def test_it_shows_no_comment_text(maria_client, maria):
    comment = make_comment(make_article(), body="Unspeakable words.")
    decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    page = maria_client.get(URL).text
    assert f"#{comment.pk}" in page
    assert "Unspeakable" not in page
    assert comment.author_name not in page


def test_pages_follow_each_other_without_gap_or_repeat(maria_client, monkeypatch):
    monkeypatch.setattr(log, "PAGE_SIZE", 2)
    article = make_article()
    for _ in range(5):
        make_comment(article)
    # Entries with the same time are ordered by id.
    first = maria_client.get(URL)
    second = maria_client.get(first.context["next_page"])
    third = maria_client.get(second.context["next_page"])
    found = [row.entry.pk for page in (first, second, third) for row in page.context["rows"]]
    assert found == list(Transition.objects.order_by("-id").values_list("pk", flat=True))
    assert third.context["next_page"] == ""
    make_comment(article)  # meanwhile
    again = maria_client.get(first.context["next_page"])
    assert [row.entry.pk for row in again.context["rows"]] == found[2:4]


def test_the_filters_apply_to_the_next_page(maria_client, monkeypatch):
    monkeypatch.setattr(log, "PAGE_SIZE", 1)
    ferry = make_article("The ferry sails")
    one, two = make_comment(ferry), make_comment(ferry)
    make_comment(make_article("A boat"))
    first = maria_client.get(f"{URL}?article=ferry&who=&position=1")
    second = maria_client.get(first.context["next_page"])
    assert "article=ferry" in first.context["next_page"]
    assert [row.entry.comment_id for page in (first, second) for row in page.context["rows"]] == [
        two.pk,
        one.pk,
    ]
    assert second.context["next_page"] == ""


@pytest.mark.parametrize(
    "query",
    [
        "?what=x",
        "?reason=%00",
        "?since=yesterday",
        "?comment=99999999999999999999999",
        "?comment=-1",
        "?since=9999-12-31&until=9999-12-31",
        "?until=0001-01-01&since=0001-01-01",
        "?who=%00%ff",
        "?who=%2399999999999999999999999",
        "?before=x",
        "?before=999999999999999999999",
        "?article='%22%00",
    ],
)
def test_invalid_queries_are_no_errors(maria_client, query):
    assert maria_client.get(URL + query).status_code in {200, 400}
    assert maria_client.get(reverse("moderation:audit-log-csv") + query).status_code in {200, 400}


def test_the_csv_file_has_every_entry_and_no_formula(maria_client, maria, monkeypatch):
    monkeypatch.setattr(log, "BATCH_SIZE", 2)
    maria.name = "=cmd|'/c calc'!A1"
    maria.save()
    article = make_article('@SUM(1+1)*cmd|"/C calc"!A0')
    comments = [make_comment(article) for _ in range(3)]
    decide(ids=[c.pk for c in comments], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    answer = maria_client.get(reverse("moderation:audit-log-csv"))
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith("attachment")
    content = b"".join(answer.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")  # Excel needs it for UTF-8
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [int(row["line"]) for row in rows] == list(
        Transition.objects.order_by("-id").values_list("pk", flat=True)
    )
    assert {row["by"] for row in rows} == {"", "'=cmd|'/c calc'!A1"}
    assert {row["story"] for row in rows} == {"'" + article.title}
    rows = list(csv.DictReader(io.StringIO(_file(maria_client, "?what=spam"))))
    assert [row["to"] for row in rows] == ["spam"] * 3


def test_the_csv_file_makes_no_query_per_story(maria_client, django_assert_max_num_queries):
    for n in range(2):
        make_comment(make_article(f"Story {n}"))
    with CaptureQueriesContext(connection) as few:
        _file(maria_client, "")
    for n in range(10):
        make_comment(make_article(f"Another {n}"))
    with django_assert_max_num_queries(len(few)):
        assert "Another 9" in _file(maria_client, "")


def _file(client, query: str) -> str:
    response = client.get(reverse("moderation:audit-log-csv") + query)
    return b"".join(response.streaming_content).decode("utf-8-sig")


HOSTILE = [
    "=1+1",
    "+1",
    "-1+cmd",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "\ufeff=1",
    "＝1+1",
    "＠SUM",
    "–1",
    "\x00=1",
    "=    C    m D  |  '/'  c  !  A",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_starts_a_formula(text):
    assert log.csv_cell(text).startswith("'")


def test_other_cells_stay_as_they_are():
    for text in ("The pier opens", "1 + 1 = 2", "", "’tis", 7, "مرحبا"):
        assert log.csv_cell(text) == str(text)


@pytest.mark.data
def test_the_published_examples_start_no_formula(data):
    text = (data / "hostile" / "csv_injection_README.md").read_text()
    examples = [line.strip() for line in text.splitlines() if line.strip()[:1] in {"=", "+", "@"}]
    assert len(examples) > 6
    for example in examples:
        assert log.csv_cell(example).startswith("'")


@pytest.mark.parametrize(
    "filters",
    [
        {},
        *({"what": event} for event in log.EVENTS),
        {"reason": Reason.INSULT},
        {"by": "person"},
        {"by": "machine"},
        {"comment": 7},
        {"since": date(2026, 1, 1)},
        {"until": date(2026, 1, 1)},
    ],
    ids=str,
)
def test_a_later_page_of_any_filter_is_found_by_an_index_of_times(filters):
    """The whole log is never sorted, and the index begins at the cursor."""
    found = older_than(log.filtered_entries(filters, UTC, None), "at", PageCursor(timezone.now(), 7))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = found[: log.PAGE_SIZE].explain()
    assert "transition_at" in plan
    assert "Sort" not in plan
    assert re.search(r"Index Cond: .*at <= ", plan), plan
