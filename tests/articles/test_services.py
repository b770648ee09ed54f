import threading

import pytest

from accounts.models import EDITOR
from articles.editing.notes import add_correction, change_correction
from articles.models import Article, Site, Topic
from articles.services import save_article, save_topic
from articles.site.cached_pages import outage_copies_invalidated_at
from tests.factories import UserFactory, make_article
from tests.helpers.clients import client_of


@pytest.mark.django_db
def test_saving_renders_the_body_and_outdates_cached_pages():
    site = Site.objects.get().version
    article = make_article(body="**Two** boats <script>alert(1)</script>")
    assert article.body_html == ("<p><strong>Two</strong> boats &lt;script&gt;alert(1)&lt;/script&gt;</p>\n")
    assert article.version == 1
    assert Site.objects.get().version == site + 1


@pytest.mark.django_db
def test_two_saves_of_the_same_version_make_two_new_ones():
    key = make_article().pk
    first, second = Article.objects.get(pk=key), Article.objects.get(pk=key)
    assert save_article(article=first).version == 2
    assert save_article(article=second).version == 3


@pytest.mark.django_db(transaction=True)
def test_simultaneous_saves_lose_no_version():
    key = make_article().pk

    def save():
        from django.db import connection

        save_article(article=Article.objects.get(pk=key))
        connection.close()

    threads = [threading.Thread(target=save) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Article.objects.get(pk=key).version == 7


@pytest.mark.django_db
def test_an_editor_may_edit_own_stories_and_those_without_editors():
    emil, edda, ruth = (UserFactory.create(roles=(EDITOR,)) for _ in range(3))
    shared, free, other = make_article("Shared"), make_article("Free"), make_article("Other")
    shared.editors.set([emil, edda])
    other.editors.set([ruth])
    assert sorted(a.title for a in Article.objects.editable_by(emil)) == ["Free", "Shared"]
    assert not other.can_be_edited_by(emil)
    assert free.can_be_edited_by(emil)
    assert not free.can_be_edited_by(UserFactory.create(roles=("Reader", "Moderator")))
    assert other.can_be_edited_by(UserFactory.create(roles=("Administrator",)))


@pytest.mark.django_db
@pytest.mark.usefixtures("own_folder")  # another test may have stored a time in the future
@pytest.mark.parametrize("change", ["hidden topic", "deleted topic", "deleted correction"])
def test_what_is_hidden_is_not_shown_while_the_database_is_down(ada, change):
    topic = save_topic(topic=Topic(name="Harbour", slug="harbour"))
    correction = add_correction(article=make_article(), by=ada, text="It was nine.")
    before = outage_copies_invalidated_at()
    topic.name = "The harbour"
    save_topic(topic=topic)
    assert outage_copies_invalidated_at() == before
    if change == "hidden topic":
        topic.shown = False
        save_topic(topic=topic)
    elif change == "deleted topic":
        client_of(ada).post(f"/admin/articles/topic/{topic.pk}/delete/", {"post": "yes"})
        assert not Topic.objects.exists()
    else:
        change_correction(correction=correction, text="", seen="It was nine.")
    assert outage_copies_invalidated_at() > before
