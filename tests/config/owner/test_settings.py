"""The settings of the site: permissions, and their effect on the next request to cached pages."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import EDITOR, MODERATOR, READER
from articles.models import Site
from articles.services import change_site
from articles.site.cached_pages import outage_copies_invalidated_at
from comments.models import Comment, Discussion, State
from config.page_cache.application import PageCacheApp
from tests.articles.images.sample_images import make_image
from tests.config.owner.helpers import URL, fields, save, warm
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.wsgi_requests import send_request


def test_only_administrators_have_access(db: None) -> None:
    assert Client().get(URL).status_code == 302
    rules = {"rules": "An hour of work."}
    sent = Client().post(URL, rules, headers={"origin": "http://testserver"})  # after the session has ended
    assert 'name="rules" value="An hour of work."' in sent.text
    for role in (READER, MODERATOR, EDITOR):
        client = Client()
        client.force_login(UserFactory.create(roles=(role,)))
        assert client.get(URL).status_code == 403
        assert client.post(URL, {"name": "Mine"}).status_code == 403
    assert Site.objects.get().name == "Soundoff"


@pytest.mark.parametrize(
    ("field", "value", "before", "after"),
    [
        ("name", "The Slip", ">Soundoff</span></a>", ">The Slip</span></a>"),
        ("tagline", "A boat, every morning", None, "A boat, every morning"),
        ("contact_email", "desk@example.org", None, 'href="mailto:desk@example.org"'),
        ("rules", "Be **kind**.", None, 'href="/rules/"'),
        ("has_public_log", "on", None, 'href="/moderation-log/"'),
    ],
)
def test_a_setting_applies_to_a_cached_page(
    ada_client: Client, site: PageCacheApp, field: str, value: str, before: str | None, after: str
) -> None:
    make_article()
    page = warm(site)
    assert after not in page
    assert before is None or before in page
    assert save(ada_client, **{field: value}).status_code == 302
    page = send_request(site, "/").text
    assert after in page
    assert before is None or before not in page


def test_the_time_zone_applies_to_a_cached_page(ada_client: Client, site: PageCacheApp) -> None:
    url = make_article(published_at=timezone.now() - timedelta(days=2)).get_absolute_url()
    make_comment(make_article())
    assert "Africa/Cairo" not in warm(site, url)
    before = warm(site, url)
    save(ada_client, time_zone="cairo")
    assert Site.objects.get().time_zone == "Africa/Cairo"
    assert send_request(site, url).text != before


@pytest.mark.parametrize("accepted", ["", "ar", "en-GB,en;q=0.8"])
def test_the_language_applies_to_every_stranger(
    ada_client: Client, site: PageCacheApp, accepted: str
) -> None:
    make_article()
    for _ in range(2):
        assert '<html lang="en" dir="ltr"' in send_request(site, "/", Accept_Language=accepted).text
    save(ada_client, language="ar")
    for _ in range(2):
        assert '<html lang="ar" dir="rtl"' in send_request(site, "/", Accept_Language=accepted).text
    # The same for pages that are not cached, and for those that no view makes.
    stranger = Client(headers={"accept-language": accepted}, enforce_csrf_checks=True)
    for url in ("/accounts/login/", "/no-such-page/"):
        assert '<html lang="ar" dir="rtl"' in stranger.get(url).content.decode()
    assert '<html lang="ar" dir="rtl"' in stranger.post("/accounts/login/").content.decode()
    assert 'xml:lang="ar"' in send_request(site, "/feed/", Accept_Language=accepted).text


def test_links_to_more_settings(ada_client: Client) -> None:
    elsewhere = ada_client.get(URL).content.decode().partition('id="elsewhere"')[2].partition("</section>")[0]
    links = re.findall(r'href="([^"]+)"', elsewhere)
    assert {"/admin/articles/standingpage/", "/admin/articles/pin/", "/admin/accounts/user/"} <= set(links)
    assert [link for link in links if ada_client.get(link, follow=True).status_code != 200] == []


@pytest.mark.parametrize(("languages", "sentence"), [({"en"}, "Saved."), ({"en", "ar"}, "تم الحفظ.")])
def test_the_confirmation_is_in_the_language_of_the_next_page(
    languages: set[str], sentence: str, ada_client: Client, settings: Settings
) -> None:
    settings.STAFF_LANGUAGES = languages
    save(ada_client, language="ar")
    assert sentence in ada_client.get(URL).content.decode()


def test_the_language_of_stories_is_marked_everywhere(ada_client: Client, site: PageCacheApp) -> None:
    story = make_article(title="Fergen kommer", standfirst="Hver morgen.", body="Endelig.", rights="ours")
    make_comment(story, "Det var på tide.")
    url = story.get_absolute_url()
    for path in ("/", url, "/rules/"):
        assert 'lang="nb"' not in send_request(site, path).text
    assert list(save(ada_client, written_in="xx").context["form"].errors) == ["written_in"]
    save(ada_client, written_in="nb", rules="Vær snill.")
    assert '<h2 class="headline" dir="auto" lang="nb"><a' in send_request(site, "/").text
    page = send_request(site, url).text
    assert '<html lang="en"' in page
    assert '<h1 dir="auto" lang="nb">Fergen' in page
    assert '<div class="prose" dir="auto" lang="nb"><p>Endelig.' in page
    assert '<div dir="auto" lang="nb"><p>Det var' in page
    assert '"inLanguage":"nb"' in page
    assert 'lang="nb"><p>Vær snill.' in send_request(site, "/rules/").text
    assert 'xml:lang="nb"' in send_request(site, "/feed/").text
    save(ada_client, written_in="")
    assert 'lang="nb"' not in send_request(site, url).text


def test_an_unknown_language_is_refused(ada_client: Client) -> None:
    assert list(save(ada_client, language="xx").context["form"].errors) == ["language"]


def test_the_rules_page_exists_only_with_rules(ada_client: Client, site: PageCacheApp) -> None:
    assert send_request(site, "/rules/").status == 404
    save(ada_client, rules="Be **kind**.\n\n<script>x</script>")
    page = warm(site, "/rules/")
    assert "<strong>kind</strong>" in page
    assert "<script>x" not in page
    save(ada_client, rules="Be *short*.")
    assert "<em>short</em>" in send_request(site, "/rules/").text
    save(ada_client, rules="")
    assert send_request(site, "/rules/").status == 404


def test_rules_with_an_unknown_image_are_refused(ada_client: Client) -> None:
    response = save(ada_client, rules="See ![](image:999999) first.")
    assert response.status_code == 422
    page = response.content.decode()
    assert "There is no image 999999." in page
    assert "See ![](image:999999) first." in page
    assert "Nothing is saved yet: some fields are missing or not valid." in page
    assert Site.objects.get().rules == ""


def test_rules_show_images_of_the_library_and_link_to_others_as_the_form_says(ada_client: Client) -> None:
    image = make_image()
    save(ada_client, rules=f"![A boat](image:{image.pk})\n\n![A slip](https://example.org/slip.jpg)")
    page = Client().get("/rules/").text
    assert re.findall(r"<img [^>]*alt=\"([^\"]*)\"", page) == ["A boat"]
    assert re.search(r'<a href="https://example.org/slip.jpg"[^>]*>A slip</a>', page)
    assert "An image of another site becomes a link." in ada_client.get(URL).text


def test_the_short_rules_are_shown_above_the_reply_form(ada_client: Client) -> None:
    url = f"{make_article().get_absolute_url()}reply/"
    assert "Argue with what was said" in Client().get(url).content.decode()
    save(ada_client, rules_in_short="One.\n\n Two. \nThree <b>.", rules="All of them.")
    page = Client().get(url).content.decode()
    lines = re.findall(r"<bdi>(.*?)</bdi>", re.search(r'<p class="rules">.*?</p>', page, re.DOTALL)[0])
    assert lines == ["One.", "Two.", "Three &lt;b&gt;."]
    assert 'href="/rules/"' in page
    save(ada_client, rules_in_short="")
    assert "Argue with what was said" in Client().get(url).content.decode()


def test_too_long_texts_are_refused_with_their_length(ada_client: Client) -> None:
    response = save(
        ada_client, rules_in_short="a\nb\nc\nd", rules="x" * 20_001, tagline="y" * 161, name="Kept"
    )
    errors = response.context["form"].errors
    assert "maxlength" not in ada_client.get(URL).content.decode()
    assert "161" in errors["tagline"][0]
    assert response.status_code == 422
    assert "4 lines" in errors["rules_in_short"][0]
    assert "20,001" in errors["rules"][0]
    page = response.content.decode()
    assert "a\nb\nc\nd" in page
    assert "x" * 20_001 in page
    assert "y" * 161 in page
    assert 'value="Kept"' in page
    assert Site.objects.get().name == "Soundoff"
    # The error is not shown in the next request.
    assert "is-invalid" not in ada_client.get(URL).content.decode()


def test_the_moderation_setting_applies_to_new_discussions_only(
    ada_client: Client, checking_policy: None
) -> None:
    old, new = make_article("Old"), make_article("New")
    assert make_comment(old).state == State.PENDING
    save(ada_client, moderation="post")
    assert make_comment(old).state == State.PENDING
    assert make_comment(new).state == State.PUBLISHED
    assert set(Discussion.objects.values_list("article__title", "moderation")) == {
        ("Old", "conditional"),
        ("New", "post"),
    }


def test_closing_applies_to_a_cached_page(ada_client: Client, site: PageCacheApp) -> None:
    article = make_article(published_at=timezone.now() - timedelta(days=10))
    url = article.get_absolute_url()
    assert "Add to the discussion" in warm(site, url)
    save(ada_client, close_after_days=9)
    assert "Add to the discussion" not in send_request(site, url).text
    with pytest.raises(Exception, match="closed"):
        make_comment(article)
    save(ada_client, close_after_days=11)
    assert "Add to the discussion" in send_request(site, url).text


def test_late_comments_are_reviewed_after_the_set_days(ada_client: Client, checking_policy: None) -> None:
    ruth = UserFactory.create(roles=(MODERATOR,))
    mona = UserFactory.create(roles=(READER,))
    article = make_article(published_at=timezone.now() - timedelta(days=10))
    save(ada_client, moderation="post", review_after_days=20)
    assert make_comment(article, author=mona).findings.filter(check_name="late").count() == 0  # type: ignore[attr-defined]
    save(ada_client, review_after_days=9)
    comment = make_comment(article, "Another word about the slip.", author=mona)
    assert comment.findings.filter(check_name="late").count() == 1  # type: ignore[attr-defined]
    assert ruth.pk


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Europe/Oslo", "Europe/Oslo"),
        ("europe/oslo ", "Europe/Oslo"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),  # valid, but not offered
        ("Kolk", "Asia/Kolkata"),
    ],
)
def test_a_zone_is_found_by_a_part_of_its_name(ada_client: Client, typed: str, found: str) -> None:
    assert save(ada_client, time_zone=typed).status_code == 302
    assert Site.objects.get().time_zone == found


@pytest.mark.parametrize(
    ("typed", "sentence"), [("Mars/Olympus", "is not a time zone"), ("san", "Enter one")]
)
def test_an_unknown_or_ambiguous_zone_is_refused(ada_client: Client, typed: str, sentence: str) -> None:
    response = save(ada_client, time_zone=typed)
    assert sentence in response.context["form"].errors["time_zone"][0]
    assert f'value="{typed}"' in response.content.decode()
    assert Site.objects.get().time_zone == "UTC"


def test_only_changed_fields_are_written(ada_client: Client) -> None:
    """Moderators may change `comment_status` meanwhile. Without a change there is no new version."""
    sent = fields(ada_client)
    change_site(comment_status="closed")
    version = Site.objects.get().version
    ada_client.post(URL, {**sent, "name": "The Slip"})
    site = Site.objects.get()
    assert (site.name, site.comment_status, site.version) == ("The Slip", "closed", version + 1)
    save(ada_client)
    assert Site.objects.get().version == version + 1


def test_concurrent_changes_are_detected(ada_client: Client) -> None:
    sent = fields(ada_client)
    save(ada_client, tagline="Of the other one")
    response = ada_client.post(URL, {**sent, "name": "Mine"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Somebody has changed the settings" in page
    assert "Nothing is saved yet" not in page
    assert 'value="Mine"' in page
    assert Site.objects.get().name == "Soundoff"
    again = {name: response.context["form"][name].value() for name in sent}
    assert ada_client.post(URL, again).status_code == 302
    assert Site.objects.get().name == "Mine"


def test_the_numbers_of_other_settings_are_shown(ada_client: Client) -> None:
    page = ada_client.get(URL).content.decode()
    assert "Of 100 good comments, it may make up to 1 wait" in page
    assert "more than 4 hours, between 08:00 and 22:00" in page


def test_there_is_one_row_and_it_has_comments(ada_client: Client) -> None:
    assert ada_client.get("/admin/articles/site/").status_code == 404
    assert Comment.objects.count() == 0


@pytest.mark.usefixtures("own_folder")  # another test may have stored a time in the future
def test_a_removed_setting_hides_pages_without_a_database(ada_client: Client) -> None:
    save(ada_client, contact_email="desk@example.org")
    before = outage_copies_invalidated_at()
    save(ada_client, tagline="Nothing that anybody would miss")
    assert outage_copies_invalidated_at() == before
    save(ada_client, contact_email="")
    assert outage_copies_invalidated_at() > before
