"""Create topics, stories in every state, pages and redirects, and import the saved pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone
from served_site import DATA

from accounts.models import User
from archive.services import import_page
from articles.editing import autosaves, notes
from articles.models import Article, DocumentText, OpenForm, StandingPage, Topic, unique_slug
from articles.publishing import front_page
from articles.publishing import services as publication
from articles.redaction.redact import redact_words
from articles.redirects import add_redirect
from articles.services import save_article, save_author, save_page, save_topic, set_article_authors
from moderation.actions import decisions
from moderation.models import Action
from site_content.people import People
from tests.articles.images.sample_images import gif, jpeg, make_image


@dataclass
class Topics:
    boats: Topic
    council: Topic
    inbox: Topic


@dataclass
class Stories:
    slip: Article
    council: Article
    old: Article
    members_only: Article
    closed: Article
    hidden: Article
    pre_moderated: Article


def create_article(
    title: str, days: float | None = None, *, by: User, body: str = "", **fields: Any
) -> Article:
    """Create an article that was published so many days ago; without `days` a draft."""
    at = timezone.now() - timedelta(days=days) if days is not None else None
    text = (
        body or f"The story of “{title}”.\n\nIt has a second paragraph, with [a link](https://example.com/)."
    )
    article = Article(title=title, slug=unique_slug(title), body=text, published_at=at, **fields)
    return save_article(article=article, by=by)


def create_topics() -> Topics:
    boats = save_topic(topic=Topic(name="Boats", slug="boats"))
    council = save_topic(topic=Topic(name="Council", slug="council"))
    inbox = save_topic(topic=Topic(name="Inbox", slug="inbox", shown=False))
    boats.slug = "boats-and-ships"
    save_topic(topic=boats)
    return Topics(boats, council, inbox)


def create_stories(people: People, topics: Topics) -> Stories:
    """Create the stories that are published."""
    emil, edith = people.emil, people.edith
    photo = make_image(jpeg(), emil, alt="A sun over the sea", caption="The harbour", credit="Ida Lund")
    wave = make_image(gif(4), edith, alt="A wave", focal_x=20)
    make_image(jpeg(400, 300), emil, alt="", is_decorative=True)
    slip = create_article(
        "The slip closes",
        2,
        by=emil,
        standfirst="After a century.",
        lead_image=photo,
        body=f'## The end\n\nIt closes.\n\n![A sun](image:{photo.pk} "From the pier")\n\n> A quote.\n\n- one',
    )
    slip.topics.set([topics.boats, topics.inbox])
    set_article_authors(article=slip, people=[emil, edith])
    author = emil.author  # type: ignore[attr-defined]
    author.line, author.slug = "Writes about boats.", "emil-the-editor"
    save_author(author=author)
    council = create_article(
        "The council meets", 1, by=emil, byline="A. Nother", body=f"![A wave](image:{wave.pk})\n\nThey met."
    )
    council.topics.set([topics.council])
    edit_story(people, slip)
    old = create_article("An old flood", 120, by=emil)
    members_only = create_article("Members only talk", 3, by=emil)
    closed = create_article("A closed talk", 4, by=emil)
    hidden = create_article("A hidden talk", 5, by=emil)
    pre_moderated = create_article("A careful talk", 6, by=emil)
    source = {"canonical_url": "https://example.com/first", "source_name": "Wire"}
    create_article("Licensed words", 8, by=emil, rights="licensed", **source)
    return Stories(slip, council, old, members_only, closed, hidden, pre_moderated)


def edit_story(people: People, story: Article) -> None:
    """Change a story twice, with another editor's conflicting text, a correction and a note."""
    emil, edith = people.emil, people.edith
    story.title, story.slug = "The slip closes for good", "the-slip-is-gone"
    save_article(article=story, by=edith)
    story.body += "\n\nA last word."
    save_article(article=story, by=emil)
    conflicting = DocumentText("The slip closes", "", "Edith’s own text.")
    autosaves.keep_conflicting_copy(document=story, text=conflicting, by=edith, base_number=1, nonce=uuid4())
    notes.add_correction(article=story, by=emil, text="An earlier version gave a wrong year.")
    notes.add_note(article=story, by=edith, body="Ask the harbour master.")


def create_drafts_and_unpublished_stories(people: People, end: datetime) -> None:
    emil = people.emil
    create_article("A draft", by=emil)
    create_article("Ready to be read", by=emil, stage="ready")
    private = create_article("A private thing", by=emil, stage="private")
    private.editors.set([people.edith])
    scheduled = create_article("Coming soon", by=emil)
    publication.publish(article=scheduled, at=end + timedelta(days=30), seen=scheduled.version)
    embargoed = create_article("Under embargo", by=emil)
    publication.set_embargo(article=embargoed, until=end + timedelta(days=20), seen=embargoed.version)
    told = create_article("Taken back, told", 7, by=emil)
    publication.unpublish(article=told, reason="It was not true.", seen=told.version)
    untold = create_article("Taken back, untold", 7, by=emil)
    publication.unpublish(article=untold, reason="", seen=untold.version)


def create_story_of_this_week(people: People, topics: Topics) -> None:
    text = "There is news of the ferry, the pier and the harbour."
    create_article("News of this week", 0, by=people.emil, body=text).topics.set([topics.boats])


def create_autosave_and_redaction(people: People, stories: Stories) -> None:
    named = create_article("Jane Quill was seen", 9, by=people.emil, body="It was Jane Quill, a baker.")
    redact_words(document=named, words=["Jane Quill"])
    autosaves.autosave(
        forms=[OpenForm(uuid4(), 1)],
        editor=people.emil,
        kind=Article,
        document=stories.council,
        fields={"title": ["Never saved"], "body": ["A text that nobody saved."]},
        snapshot="",
    )


def create_pages_and_redirects(people: People, stories: Stories) -> None:
    emil = people.emil
    page = StandingPage(title="About", slug="about-us", body="We are *here*.", menu="top")
    about = save_page(page=page, by=emil)
    about.slug, about.body = "about", "We are still *here*."
    save_page(page=about, by=people.edith)
    save_page(page=StandingPage(title="Contact", slug="contact", body="Write to us."), by=emil)
    save_page(page=StandingPage(title="Unshown", slug="unshown", body="Nothing.", shown=False), by=emil)
    front_page.pin(article=stories.council)
    front_page.pin(article=stories.slip)
    add_redirect(old="/2013/06/19/slip/", target_url=stories.slip.get_absolute_url())
    add_redirect(old="/?p=12", target_url="/archive/")


def import_threads(people: People) -> None:
    """Import the saved pages. One import is undone, and another is undone and then restored."""
    files = [DATA / "seed" / "story.txt", *sorted((DATA / "import" / "soundoff_text").glob("*.txt"))]
    for number, path in enumerate(files):
        import_page(data=path.read_bytes(), filename=path.name, source="Elsewhere", actor=people.ada)
        action = Action.objects.filter(kind="import").latest("at")
        if number == 3:
            decisions.undo(action=action, actor=people.ada)
        if number == 4:
            decisions.undo(action=decisions.undo(action=action, actor=people.ada).action, actor=people.ada)
