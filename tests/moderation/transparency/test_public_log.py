"""/moderation-log/: the public log."""

import pytest

from articles.models import Site
from comments.models import Reason, State
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from tests.factories import make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def test_the_public_log_is_off_until_it_is_wanted(client):
    assert client.get("/moderation-log/").status_code == 404


def test_the_public_log_has_counts_and_no_names(client, maria):
    Site.objects.update(has_public_log=True)
    assert "No comments were removed." in client.get("/moderation-log/").text
    article = make_article("The slip closes")
    comments = [make_comment(article) for _ in range(7)]
    ids = [comment.pk for comment in comments]
    decide(ids=ids[:4], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    decide(ids=ids[4:5], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    act = decide(ids=ids[5:], to=State.REJECTED, reason=Reason.NAME, actor=maria)
    undo(action=act.action, actor=maria)
    answer = client.get("/moderation-log/")
    page = answer.text
    assert "5 comments removed: 4 spam, 1 for another reason." in page
    assert "restored.</li>" not in page  # undone decisions are not shown
    assert "Maria" not in page
    assert not any(comment.author_name in page for comment in comments)
    assert "no-store" in answer["Cache-Control"]
    for query in ("?month=2001-13", "?month=%00", "?month=0000-01", "?month=20260"):
        assert client.get("/moderation-log/" + query).status_code == 404
    assert client.get("/moderation-log/?month=2001-01").status_code == 200
    article.published_at = None
    article.save()
    assert "The slip closes" not in client.get("/moderation-log/").text


def test_the_public_log_counts_decisions_in_effect_once(client, maria):
    Site.objects.update(has_public_log=True)
    article = make_article("The slip closes")
    ids = [make_comment(article).pk for _ in range(4)]

    def log() -> str:
        return client.get("/moderation-log/").text

    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria)
    first = undo(action=act.action, actor=maria)
    assert "No comments were removed." in log()
    again = undo(action=first.action, actor=maria)
    assert "4 comments removed, as spam.</li>" in log()
    undo(action=again.action, actor=maria)
    assert "No comments were removed." in log()
    change_states(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=None)
    action = decide(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria).action
    assert ": 4 comments restored.</li>" in log()
    undo(action=action, actor=maria)
    assert "4 comments removed, as spam. The checks decided 4 of them.</li>" in log()


def test_the_public_log_counts_a_comment_once_however_often_its_removal_is_confirmed(client, maria):
    Site.objects.update(has_public_log=True)
    article = make_article("The slip closes")
    ids = [make_comment(article).pk for _ in range(4)]
    change_states(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=None)
    for _ in range(3):
        decide(ids=ids[:1], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    page = client.get("/moderation-log/").text
    # A person confirmed one of them; the checks decided the others.
    assert "4 comments removed, as spam. The checks decided 3 of them.</li>" in page


def test_the_foot_of_each_page_leads_to_the_public_log_once_it_is_on(client, admin_client):
    foot = '<a href="/moderation-log/">'
    assert foot not in client.get("/").text
    form = admin_client.get("/owner/settings/").context["form"]
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    values["has_public_log"] = "on"
    admin_client.post("/owner/settings/", values)
    assert foot in client.get("/").text
    assert foot in client.get(make_article().get_absolute_url()).text
