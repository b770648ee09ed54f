import threading

import pytest

from accounts.models import EDITOR
from articles.models import Article, Site
from articles.services import save_article
from tests.factories import UserFactory, make_article


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
