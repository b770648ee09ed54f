"""Rate limits of people, IP addresses, address blocks and discussions, and the refused form."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, local
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone, translation

from accounts.models import Guest
from comments.models import Comment, Reason, State
from comments.policy import policy
from comments.services.states import delete_comment
from core.rate_limits import RateLimitError
from moderation.actions.decisions import decide
from moderation.models import Origin
from moderation.screening import rate_limits
from moderation.screening.origins import hash_address, hash_block
from moderation.screening.rate_limits import DEFAULT_NEW_LIMIT, FREE_UNDOS
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy", "rate_limits_on")]

BLOCK_LIMIT, DISCUSSION_LIMIT = 12, 30
HTMX = {"HX-Request": "true"}


def approve(comment, by):
    decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=by)


def known_guest(maria, **fields):
    guest = GuestFactory.create(confirmed_at=timezone.now(), **fields)
    approve(make_comment(make_article(), "Earlier words", guest=guest), maria)
    return guest


# People and IP addresses


def test_the_refusal_is_translated_with_its_numbers(maria):
    article, guest = make_article(), GuestFactory.create()
    for n in range(3):
        make_comment(article, f"Words {n}", guest=guest)
    with translation.override("ar"), pytest.raises(RateLimitError, match="يمكنك نشر 3 تعليقات كل 10 دقائق"):
        make_comment(article, "Words 4", guest=guest)


def test_the_fourth_comment_of_a_new_person_in_ten_minutes_is_refused(maria):
    article, guest = make_article(), GuestFactory.create(email="nuala@example.org")
    for n in range(3):
        make_comment(article, f"Words {n}", guest=guest)
    with pytest.raises(ValidationError, match="You can post 3 comments in 10 minutes"):
        make_comment(article, "Words 4", guest=guest)
    with pytest.raises(ValidationError):  # the same e-mail in another browser
        make_comment(article, "Words 5", guest=GuestFactory.create(email="Nuala@example.org"))
    Comment.objects.update(created_at=timezone.now() - timedelta(minutes=9, seconds=30))
    with pytest.raises(ValidationError):
        make_comment(article, "Words 6", guest=guest)
    Comment.objects.update(created_at=timezone.now() - timedelta(minutes=10))
    assert make_comment(article, "Words 7", guest=guest)


def post_and_undo(article, n, **writer):
    for _ in range(n):
        posted = make_comment(article, "Undone", ip="192.0.2.7", **writer)
        delete_comment(comment=posted, user=posted.author, guest=posted.guest, reason=Reason.POSTING_UNDONE)


def test_three_comments_whose_posting_was_undone_do_not_count_for_the_rate_limit(maria):
    article, guest = make_article(), GuestFactory.create()
    post_and_undo(article, FREE_UNDOS, guest=guest)
    for n in range(2):
        make_comment(article, f"Words {n}", ip="192.0.2.7", guest=guest)
    deleted = make_comment(article, "Words 3", ip="192.0.2.7", guest=guest)
    delete_comment(comment=deleted, user=None, guest=guest)
    with pytest.raises(ValidationError, match="You can post 3 comments in 10 minutes"):
        make_comment(article, "Words 4", guest=guest)
    with pytest.raises(ValidationError):  # the same address
        make_comment(article, "Words 5", ip="192.0.2.7", guest=GuestFactory.create())


@pytest.mark.parametrize("writer", [{"guest": GuestFactory}, {"author": UserFactory}])
def test_posting_and_undoing_again_and_again_ends(maria, writer):
    article, people = make_article(), {name: factory.create() for name, factory in writer.items()}
    post_and_undo(article, FREE_UNDOS + DEFAULT_NEW_LIMIT, **people)
    with pytest.raises(ValidationError, match="You can post 3 comments in 10 minutes"):
        make_comment(article, "Words", **people)
    with pytest.raises(ValidationError):  # somebody else at the same address
        make_comment(article, "Words", ip="192.0.2.7", guest=GuestFactory.create())


def test_known_people_have_a_higher_limit_of_their_own(maria):
    guest = known_guest(maria, email="nuala@example.org")
    article = make_article()
    for n in range(2):
        make_comment(article, f"In her name {n}", guest=GuestFactory.create(email="nuala@example.org"))
    for n in range(9):
        make_comment(article, f"Words {n}", guest=guest)
    with pytest.raises(ValidationError, match="10 comments"):
        make_comment(article, "Words 10", guest=guest)


def test_comments_of_known_people_and_of_the_newsroom_do_not_use_up_the_limit_of_an_address(maria, emil):
    article, known, address = make_article(), known_guest(maria), "192.0.2.7"
    for n in range(4):
        make_comment(article, f"From the newsroom {n}", author=maria, ip=address)
        make_comment(article, f"From the editor {n}", author=emil, ip=address)
        make_comment(article, f"Known words {n}", guest=known, ip=address)
    for n in range(DEFAULT_NEW_LIMIT):
        make_comment(article, f"New words {n}", ip=address)
    with pytest.raises(ValidationError, match="New commenters on the same internet connection"):
        make_comment(article, "New words", ip=address)


def test_a_known_person_is_not_limited_by_others_at_the_same_ip_address_or_in_the_discussion(maria):
    address, known, article = "192.0.2.7", known_guest(maria), make_article()
    for n in range(DEFAULT_NEW_LIMIT):
        make_comment(make_article(f"Story {n}"), f"New words {n}", ip=address)
    flood(article)
    with pytest.raises(ValidationError, match="New commenters on the same internet connection"):
        make_comment(make_article(), "New words", ip=address)
    with pytest.raises(ValidationError, match="10 minutes in one discussion"):
        make_comment(article, "New words", ip="203.0.113.1")
    for n in range(DEFAULT_NEW_LIMIT + 1):
        assert make_comment(article, f"Known words {n}", guest=known, ip=address)


def test_a_comment_from_an_address_counts_for_new_people_after_its_approval(maria):
    article, address = make_article(), "192.0.2.7"
    for n in range(DEFAULT_NEW_LIMIT):
        guest = GuestFactory.create(confirmed_at=timezone.now())
        approve(make_comment(article, f"Words {n}", guest=guest, ip=address), by=maria)
    with pytest.raises(ValidationError, match="New commenters on the same internet connection"):
        make_comment(article, "Words", ip=address)


# Address blocks


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.250", True),
        ("192.0.2.7", "192.0.3.7", False),
        ("192.0.2.7", "::ffff:192.0.2.8", True),  # the same network, as IPv6 writes it
        ("2001:db8:1:2::1", "2001:db8:1:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_a_block_is_an_ipv4_24_or_an_ipv6_48(one, other, same):
    assert (hash_block(one) == hash_block(other)) is same
    assert hash_address(one) != hash_block(one)
    assert len(hash_block(one)) == 16


@pytest.mark.parametrize("ip", ["", "unknown", "192.0.2"])
def test_an_invalid_ip_address_has_no_block_and_is_not_counted(ip):
    assert hash_block(ip) is None
    for n in range(BLOCK_LIMIT + 1):
        make_comment(make_article(f"Story {n}"), f"Words {n}", ip=ip)
    assert not Origin.objects.exists()


def fill_block(count=BLOCK_LIMIT):
    """Post comments from many addresses of the block 192.0.2.0/24, each in its own discussion."""
    for n in range(count):
        make_comment(make_article(f"Story {n}"), f"Words {n}", ip=f"192.0.2.{n}")


def test_many_addresses_of_one_block_share_a_limit(maria):
    fill_block()
    with pytest.raises(
        RateLimitError, match="neighbouring internet connections can post 12 comments"
    ) as info:
        make_comment(make_article(), "One more", ip="192.0.2.99")
    assert 500 < info.value.seconds <= 600
    assert make_comment(make_article(), "Next door", ip="192.0.3.99")
    assert make_comment(make_article(), "A known person", guest=known_guest(maria), ip="192.0.2.99")
    Origin.objects.update(at=timezone.now() - timedelta(minutes=11))
    assert make_comment(make_article(), "Later", ip="192.0.2.99")


def test_known_people_and_the_newsroom_do_not_use_up_the_limit_of_a_block(maria):
    known = known_guest(maria)
    for n in range(9):
        make_comment(make_article(), f"Known words {n}", guest=known, ip=f"192.0.2.{n}")
        make_comment(make_article(), f"From the newsroom {n}", author=maria, ip=f"192.0.2.{n}")
    assert make_comment(make_article(), "New words", ip="192.0.2.99")


# Discussions


def flood(article, count=DISCUSSION_LIMIT):
    """Post comments of new people, each from a block of their own."""
    return [make_comment(article, f"Flood {n}", ip=f"198.18.{n}.1") for n in range(count)]


def test_new_people_from_everywhere_share_the_limit_of_a_discussion(maria, emil):
    article = make_article()
    flood(article)
    with pytest.raises(RateLimitError, match="New commenters can post 30 comments in 10 minutes in one"):
        make_comment(article, "One more", ip="203.0.113.1")
    member = confirm_email(UserFactory.create())  # no comment approved yet
    with pytest.raises(RateLimitError):
        make_comment(article, "One more", author=member, ip="203.0.113.1")
    assert make_comment(article, "A known person", guest=known_guest(maria))
    assert make_comment(article, "From the newsroom", author=emil)
    assert make_comment(make_article("Elsewhere"), "Another discussion", ip="203.0.113.1")


def test_a_discussion_accepts_new_people_again_when_the_oldest_comment_is_ten_minutes_old():
    article = make_article()
    posted = flood(article)
    Comment.objects.filter(pk=posted[0].pk).update(created_at=timezone.now() - timedelta(minutes=8))
    with pytest.raises(RateLimitError, match="Please try again in 2 minutes") as info:
        make_comment(article, "One more")
    assert 60 < info.value.seconds <= 120
    Comment.objects.filter(pk=posted[0].pk).update(created_at=timezone.now() - timedelta(minutes=11))
    assert make_comment(article, "One more")
    with pytest.raises(RateLimitError):
        make_comment(article, "And another one")


def test_known_people_do_not_use_up_the_limit_of_a_discussion(maria):
    article = make_article()
    for guest in [known_guest(maria) for _ in range(4)]:
        for n in range(9):
            make_comment(article, f"Known words {n}", guest=guest)
    assert make_comment(article, "New words")


# Trusted people


def days_ago(days):
    return timezone.now() - timedelta(days=days)


def trusted_guest(maria, comments=rate_limits.TRUSTED_COMMENTS, days=31):
    """Return a guest with published comments of this age in days."""
    guest = known_guest(maria)
    for n in range(comments - 1):
        make_comment(make_article(), f"Published {n}", guest=guest)
        Comment.objects.filter(guest=guest).update(created_at=days_ago(days))
    return guest


def remove_one(guest, maria, *, posted_at):
    removed = make_comment(make_article(), "You fool", guest=guest)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    Comment.objects.filter(pk=removed.pk).update(created_at=posted_at)


def posted_until_refused(guest) -> int:
    article = make_article()
    for n in range(100):
        try:
            make_comment(article, f"Words {n}", guest=guest)
        except RateLimitError:
            return n
    raise AssertionError("No comment was refused.")


def test_a_trusted_person_may_send_three_times_as_many(maria):
    assert posted_until_refused(trusted_guest(maria)) == 3 * rate_limits.DEFAULT_KNOWN_LIMIT


@pytest.mark.parametrize(("comments", "days"), [(19, 31), (25, 29)], ids=["too few", "too new"])
def test_few_or_new_comments_are_not_enough(maria, comments, days):
    assert posted_until_refused(trusted_guest(maria, comments, days)) == rate_limits.DEFAULT_KNOWN_LIMIT


def test_a_comment_removed_lately_ends_the_trust(maria):
    guest = trusted_guest(maria)
    remove_one(guest, maria, posted_at=days_ago(29))
    assert posted_until_refused(guest) == rate_limits.DEFAULT_KNOWN_LIMIT


def test_an_old_removal_does_not_end_the_trust(maria):
    guest = trusted_guest(maria)
    remove_one(guest, maria, posted_at=days_ago(31))
    assert posted_until_refused(guest) == 3 * rate_limits.DEFAULT_KNOWN_LIMIT


def test_an_unconfirmed_email_gives_no_trust(maria):
    guest = trusted_guest(maria)
    assert posted_until_refused(GuestFactory.create(email=guest.email)) == rate_limits.DEFAULT_NEW_LIMIT


# The form


def fields(n, **changed):
    values = {"name": "Ida", "email": "ida@example.org", "body": f"The boat, {n}."}
    return values | {"nonce": str(uuid4())} | changed


def make_older(minutes):
    """Let all comments be so much older."""
    Comment.objects.update(created_at=F("created_at") - timedelta(minutes=minutes))
    Origin.objects.update(at=F("at") - timedelta(minutes=minutes))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["html", "htmx"])
@pytest.mark.parametrize("is_member", [False, True], ids=["guest", "member"])
def test_a_refused_form_keeps_all_fields_and_says_when_to_try_again(client, jim, headers, is_member):
    if is_member:
        client.force_login(jim)
    article = make_article()
    url = f"{article.get_absolute_url()}reply/"
    sent = [*(fields(n) for n in range(3)), fields(3, follow="on")]
    for one in sent[:3]:
        assert client.post(url, one, headers=headers).status_code == (204 if headers else 302)
    make_older(minutes=7)
    guests = Guest.objects.count()
    for _repeat in range(2):
        refused = client.post(url, sent[3], headers=headers)
        assert refused.status_code == 429
        assert 120 < int(refused["Retry-After"]) <= 180
        assert "Please try again in 3 minutes." in refused.text
        assert "The boat, 3." in refused.text
        assert re.search(r'name="follow"[^>]* checked', refused.text)
        assert ("ida@example.org" in refused.text) is not is_member
        assert ("<html" in refused.text) is not bool(headers)
    assert (Comment.objects.count(), Guest.objects.count()) == (3, guests)
    assert client.post(url, sent[2], headers=headers).status_code != 429  # a second click is no new comment
    make_older(minutes=4)
    assert client.post(url, sent[3], headers=headers).status_code == (204 if headers else 302)
    assert Comment.objects.filter(body="The boat, 3.").count() == 1


FORGED = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"]


def status_from(forwarded: dict[str, str], article, n) -> int:
    """Return the status of a post by a browser without cookies, with its own name and e-mail."""
    sent = fields(n, name=f"Ida {n}", email=f"ida{n}@example.org")
    return Client().post(f"{article.get_absolute_url()}reply/", sent, headers=forwarded).status_code


@pytest.mark.parametrize("header", FORGED)
def test_without_a_proxy_forwarding_headers_are_ignored(settings, header):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0  # BEHIND_PROXY is off
    article = make_article()
    statuses = [status_from({header: f"198.18.{n}.1"}, article, n) for n in range(4)]
    assert statuses == [302, 302, 302, 429]


def test_behind_the_proxy_only_the_last_hop_counts(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1  # BEHIND_PROXY is on
    article = make_article()
    forged = [{"X-Forwarded-For": f"198.18.{n}.1, 203.0.113.5"} for n in range(4)]
    assert [status_from(one, article, n) for n, one in enumerate(forged)] == [302, 302, 302, 429]
    assert status_from({"X-Forwarded-For": "198.18.9.1, 203.0.114.5"}, article, 9) == 302
    assert hash_address("203.0.113.5") in [bytes(one.ip_hash) for one in Origin.objects.all()]
    assert hash_address("198.18.0.1") not in [bytes(one.ip_hash) for one in Origin.objects.all()]


# Comments that are sent in the same moment


@pytest.mark.parametrize("sender", ["member", "guests of one address"])
def test_comments_sent_at_once_do_not_exceed_the_limit(transactional_db, monkeypatch, sender):
    """All are checked before the first of them is stored."""
    senders = rate_limits.DEFAULT_NEW_LIMIT + 3
    member, articles = UserFactory.create(), [make_article(f"Story {n}") for n in range(senders)]
    checked, checked_once, examine = Barrier(senders, timeout=60), local(), policy().examine

    def examine_together(submission):
        screening = examine(submission)
        if not hasattr(checked_once, "done"):
            checked_once.done = True
            checked.wait()
        return screening

    monkeypatch.setattr(policy(), "examine", examine_together)

    def send(n):
        person = {"author": member} if sender == "member" else {"guest": GuestFactory.create()}
        ip = f"198.18.{n}.1" if sender == "member" else "192.0.2.1"
        try:
            make_comment(articles[n], f"Words {n}", ip=ip, **person)
        except RateLimitError:
            return "refused"
        else:
            return "posted"
        finally:
            connection.close()

    with ThreadPoolExecutor(senders) as pool:
        results = list(pool.map(send, range(senders)))

    assert results.count("posted") == rate_limits.DEFAULT_NEW_LIMIT == Comment.objects.count()
    assert results.count("refused") == 3
