"""Links in comments that were written without a scheme."""

from importlib import import_module
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from articles.markup.markdown import render_comment
from comments.models import Comment
from tests.factories import make_article, make_comment


@pytest.mark.parametrize(
    ("written", "href"),
    [
        ("[text](example.org)", "https://example.org"),
        ("[text](www.example.org/x?a=b)", "https://www.example.org/x?a=b"),
        ("[text](Example.org#part)", "https://Example.org#part"),
        ("[text](مثال.com)", "https://xn--mgbh0fb.com"),
        ("[text](example.org:8080/x)", "https://example.org:8080/x"),
        ("www.example.org/x", "http://www.example.org/x"),
        ("[text](/stories/x/)", "/stories/x/"),
        ("[text](http://example.org)", "http://example.org"),
        ("[text](mailto:jim@example.org)", "mailto:jim@example.org"),
        ("[text](#comment-5)", "#comment-5"),
    ],
)
def test_a_link_leads_where_its_writer_meant(written: str, href: str) -> None:
    assert f'<a href="{href}"' in render_comment(written)


@pytest.mark.django_db
def test_stored_links_are_corrected() -> None:
    migration = import_module("comments.migrations.0033_links_with_a_scheme").Migration
    text = (
        'Not <a href="example.org">. [One](example.org/?a=b&c) and [two](/stories/x/), [three](www.a.example)'
    )
    comment = make_comment(make_article(), text)
    rendered = comment.body_html
    assert rendered.count("https://") == 2
    Comment.objects.update(body_html=rendered.replace('="https://', '="'))
    with connection.cursor() as cursor:
        cursor.execute(migration.operations[0].sql)
    comment.refresh_from_db()
    assert comment.body_html == rendered


@pytest.mark.django_db
def test_the_check_renders_stored_links_to_hosts_in_other_letters_again() -> None:
    """The migration knows only hosts in ASCII."""
    comment = make_comment(make_article(), "[text](مثال.com/x) and [port](example.org:8080)")
    rendered = comment.body_html
    assert rendered.count("https://") == 2
    Comment.objects.update(body_html=rendered.replace('="https://', '="'))
    call_command("check_integrity", repair=True, stdout=StringIO())
    comment.refresh_from_db()
    assert comment.body_html == rendered
