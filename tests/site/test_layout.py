"""Browser tests of the pages: no accessibility errors by axe, no layout shifts, and no lost text."""

import gzip
import re
import time
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from playwright.sync_api import expect

from accounts.models import User
from archive.services import import_page
from articles.models import Article, Topic
from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from config.static_files import minify
from core.data_folder import PROJECT
from core.fallback_pages import unavailable
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import faults_at
from tests.helpers.browser import log_in, wait_for_fonts, wait_for_frames

STATIC = PROJECT / "static"
SHIFTS = """window.shifts = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry.value);
}).observe({ type: "layout-shift" })"""


def test_a_reader_loads_few_bytes():
    styles = ("css/tokens.css", "css/site.css")
    scripts = ("js/site.js", "js/fold.js", "js/thread.js", "django_htmx/htmx-2.min.js")
    files = [minify(path, Path(finders.find(path)).read_bytes()) for path in styles + scripts]
    # Bytes; the fonts come afterwards. Browsers ask for Brotli over HTTPS, and for gzip otherwise.
    assert sum(len(brotli.compress(content)) for content in files) <= 37_000
    assert sum(len(gzip.compress(content, 9)) for content in files) <= 40_960


@pytest.mark.django_db
def test_only_pages_with_a_reply_form_load_htmx(client):
    article, hidden = make_article("The slip closes"), make_article("The ferry")
    change_discussion(article=article, status=Discussion.Status.OPEN)
    change_discussion(article=hidden, status=Discussion.Status.HIDDEN)
    story = article.get_absolute_url()
    urls = [story, f"{story}reply/", hidden.get_absolute_url(), "/", "/search/"]
    with_htmx = [url for url in urls if b"django_htmx/htmx" in client.get(url).content]
    assert with_htmx == urls[:2]


@pytest.mark.data
@pytest.mark.django_db
def test_a_page_of_74_comments_is_small(client, data):
    with connection.cursor() as cursor:  # a byte more for each digit, after many tests
        cursor.execute("SELECT setval(pg_get_serial_sequence('comments_comment', 'id'), 10000)")
    import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")
    article = Article.objects.get()
    page = client.get(article.get_absolute_url()).content
    assert page.count(b"<article id=") == 74
    assert len(page) <= 55_000  # with an avatar and a menu for each comment
    # The compression of config/page_cache/application.py: Brotli for browsers over HTTPS, gzip otherwise.
    assert len(brotli.compress(page, quality=5)) <= 13 * 1024
    assert len(gzip.compress(page, 6)) <= 14 * 1024


def test_styles_use_logical_properties_instead_of_left_and_right():
    physical = re.compile(r"[^-\w](?:(?:margin|padding|border)-)?(?:left|right|top|bottom)\b(?!-)\s*[:;]")
    one = r"[^\s;,]+"
    one_sided = re.compile(rf"[^-\w](?:margin|padding|inset): *{one} ({one}) {one} (?!\1 *[;}}]){one} *[;}}]")
    for rule in (physical, one_sided):
        assert rule.search("a { margin-left: 1em; padding: 0 1em 0 0; }")
        assert not rule.search("a { padding: 0 1em 2em 1em; margin: 0 1em 0; }")
        assert [path.name for path in STATIC.glob("css/*.css") if rule.search(path.read_text())] == []


@pytest.fixture
def story(transactional_db, policy_without_moderation):
    """Make a story with a thread of every kind of comment, open for replies."""
    editor = UserFactory(name="Ada Lindqvist", email="ada@example.org", roles=("Editor",), password="pw")
    article = make_article("The slip closes", standfirst="The morning boat stays.", byline="Ada Lindqvist")
    article.editors.add(editor)
    article.topics.add(Topic.objects.create(name="Harbour", slug="harbour"))
    comment = None
    for level in range(8):
        comment = make_comment(
            article, f"Word **{level}** about https://example.org/{'long-' * 20}", parent=comment
        )
    make_comment(article, "كانت جدّتي تعبر كلّ صباح إلى السوق.", author=editor)
    waiting, removed = make_comment(article, "Look at this."), make_comment(article, "You fool.")
    make_comment(article, "Quietly, please.", parent=removed)
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    change_states(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    return article


@pytest.fixture
def root(story):
    return story.discussion.comments.filter(parent=None).order_by("id").first()


@pytest.fixture
def story_page(live_server, page, story):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url + story.get_absolute_url())
    return page


@pytest.mark.browser
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(live_server, page, story, root):
    gone = story.discussion.comments.get(state=State.REJECTED)
    urls = {
        "story": story.get_absolute_url(),
        "reply": f"{story.get_absolute_url()}reply/{root.pk}/",
        "gone": gone.get_absolute_url(),
        "home": "/",
        "topic": "/topics/harbour/",
        "nothing": "/nothing-here/",
        "login": "/accounts/login/",
        "signup": "/accounts/signup/",
        "reset": "/accounts/password/reset/",
        "privacy": "/privacy/",
    }
    found = {name: faults_at(page, live_server.url + url) for name, url in urls.items()}

    log_in(page.context, live_server, story.editors.get())
    own = {
        "story of an editor": story.get_absolute_url(),
        "e-mail": "/accounts/email/",
        "password": "/accounts/password/change/",
        "logout": "/accounts/logout/",
        "data": "/account/data/",
    }
    found |= {name: faults_at(page, live_server.url + url) for name, url in own.items()}
    assert found == {name: [] for name in found}


@pytest.mark.browser
def test_axe_finds_nothing_where_one_looks_for_something(live_server, page, story, root, client, rf):
    editor = story.editors.get()
    User.objects.update(has_page=True)
    deep = story.discussion.comments.order_by("-level").first()
    day, url = story.published_at, story.get_absolute_url()
    sent = rf.post(f"{url}reply/", {"body": "The morning boat.", "name": "Jun"})
    for name, request in {"away": rf.get("/"), "away with a text": sent}.items():
        body = unavailable(request).content.decode()
        page.route(
            f"**/{name}", lambda route, _, body=body: route.fulfill(body=body, content_type="text/html")
        )
    urls = {
        "search": "/search/",
        "found": "/search/?q=boat+or+word",
        "found nothing": "/search/?q=zyzzyva&year=2013",
        "unclear": "/search/?q=-boat",
        "find": f"{url}find/?q=word",
        "find nothing": f"{url}find/?q=zyzzyva",
        "archive": "/archive/",
        "year": f"/archive/{day.year}/",
        "month": f"/archive/{day.year}/{day.month:02}/",
        "person": f"/people/{editor.pk}/",
        "comment": f"{url}comments/{deep.pk}/?after={deep.pk}",
        "order": f"{url}?order=discussed",
        "recommend": f"{url}recommend/{root.pk}/",
        "away": "/away",
        "away with a text": "/away with a text",
    }
    assert {client.get(url).status_code for name, url in urls.items() if "away" not in name} == {200}
    found = {name: faults_at(page, live_server.url + url) for name, url in urls.items()}

    log_in(page.context, live_server, editor)
    own = {"recommend as a member": f"{url}recommend/{root.pk}/", "switch": "/accounts/page/"}
    found |= {name: faults_at(page, live_server.url + url) for name, url in own.items()}
    assert found == {name: [] for name in found}


@pytest.mark.browser
@pytest.mark.parametrize("order", ["newest", "recommended"])
def test_the_heading_of_a_discussion_has_one_row_on_phones(live_server, new_context, story, order):
    page = new_context(has_touch=True).new_page()
    page.goto(f"{live_server.url}{story.get_absolute_url()}order/{order}/")
    wait_for_fonts(page)
    for width in (360, 390):
        page.set_viewport_size({"width": width, "height": 844})
        middles = page.locator(".talk > .top > *").evaluate_all(
            """parts => parts.map(part => part.getBoundingClientRect())
              .map(box => (box.top + box.bottom) / 2)"""
        )
        assert len(middles) == 4
        assert max(middles) - min(middles) < 2, width  # pixels


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("where", [".thread", ".compose"])
def test_a_late_reply_form_causes_no_layout_shift(story_page, width, where):
    story_page.set_viewport_size({"width": width, "height": 844})
    # Longer than the half second in which a shift counts as a response to input.
    story_page.route("**/reply/**", lambda route: (time.sleep(1), route.continue_()))
    story_page.reload()  # the request would not always wait on a page that was loaded before
    wait_for_fonts(story_page)  # they shift the text a little
    story_page.evaluate(SHIFTS)
    story_page.locator(f"{where} a[rel]").first.press("Enter")
    # What may shift it: the form, and the buttons that a script adds to it once their styles have arrived.
    story_page.wait_for_selector(f"{where} .reply-form .tools")
    wait_for_frames(story_page)
    assert story_page.evaluate("shifts") == []
    kept, needed = story_page.locator(f"{where} .reply-form").evaluate(
        """form => {
          const kept = form.offsetHeight;
          form.style.minBlockSize = "0";
          return [kept, form.offsetHeight];
        }"""
    )
    assert needed <= kept < needed + 50  # pixels; css/site.css reserves this height as --form


@pytest.mark.browser
def test_the_form_opens_once_with_the_focus_in_it_and_gives_it_back(story_page, root):
    place = story_page.locator(f"#comment-{root.pk}")
    for _ in range(2):
        place.get_by_role("link", name="Reply").click()
        place.locator(".reply-form").wait_for()
        expect(place.get_by_label("Your comment")).to_be_focused()
    assert story_page.locator(".reply-form").count() == 1

    place.get_by_role("link", name="Cancel").click()
    assert story_page.locator(".reply-form").count() == 0
    expect(place.get_by_role("link", name="Reply")).to_be_focused()


@pytest.mark.browser
def test_a_text_survives_everything_until_it_is_sent(story_page, root, story):
    place = story_page.locator(f"#comment-{root.pk}")
    text, send = place.locator("textarea"), place.get_by_role("button", name="Post comment")

    def open_form():
        place.get_by_role("link", name="Reply").click()
        text.wait_for()
        story_page.wait_for_timeout(100)

    open_form()
    text.fill("We could share the school’s boat.")
    story_page.reload()  # the form of a draft opens by itself
    text.wait_for()
    assert text.input_value() == "We could share the school’s boat."

    place.get_by_label("Name").fill("Jun")
    place.get_by_label("E-mail").fill("jun@example.org")
    story_page.context.set_offline(True)
    send.click()
    place.get_by_text("Not sent").wait_for()
    story_page.context.set_offline(False)

    place.locator("form").evaluate("form => { form.noValidate = true }")
    place.get_by_label("E-mail").fill("nobody")
    send.click()
    place.locator(".invalid-feedback").wait_for()
    expect(place.get_by_label("E-mail")).to_be_focused()
    assert "error" in place.get_by_label("E-mail").get_attribute("aria-describedby")
    assert text.input_value() == "We could share the school’s boat."

    place.get_by_label("E-mail").fill("jun@example.org")
    send.click()
    place.locator("form").wait_for(state="detached")
    sent = story.discussion.comments.get(author_name="Jun")
    expect(story_page.locator(f"#comment-{sent.pk}")).to_be_focused()
    assert story_page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft'))") == []


@pytest.mark.browser
def test_without_scripts_a_reply_is_a_page(live_server, browser, story, root):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(live_server.url + story.get_absolute_url())
    page.locator(f"#comment-{root.pk}").get_by_role("link", name="Reply").click()
    assert page.get_by_role("heading", level=1).inner_text() == f"Reply to {root.author_name}"
    page.get_by_label("Your comment").fill("By hand.")
    page.get_by_label("Name").fill("Jun")
    page.get_by_label("E-mail").fill("jun@example.org")
    page.get_by_role("button", name="Post comment").click()
    assert story.discussion.comments.get(author_name="Jun").parent == root
    assert "#comment-" in page.url
    page.context.close()


@pytest.mark.browser
def test_a_menu_closes_by_key_and_gives_the_focus_back(live_server, page, story, client):
    log_in(page.context, live_server, story.editors.get())
    page.goto(live_server.url + story.get_absolute_url())
    page.locator(".account summary").click()
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Escape")
    assert page.locator(".account[open]").count() == 0
    expect(page.locator(".account summary")).to_be_focused()
