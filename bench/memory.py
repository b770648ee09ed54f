"""Measure whether the processes of a site keep their size: python -m bench.memory

The job worker runs jobs of each kind that a site has every day, with images and searches for similar comments
among them. The web server answers readers and guests, and now and then makes a page of 20 MB. The resident
memory is read after each quarter.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from time import sleep
from uuid import uuid4

from bench import fixture, servers
from bench.fixture import ThreadComment, Words
from bench.load import send
from bench.runner import Goal, Run, report, rows, run
from bench.servers import Soundoff

SIZES = {"jobs": 10_000, "requests": 20_000, "comments": 10_000, "letters": 100_000, "settle": 3}
SMALLEST = {"jobs": 40, "requests": 40, "comments": 100, "letters": 100, "settle": 0}
QUARTERS = 4
RARE = 250  # jobs to one image and one search; requests to one page of 20 MB
PAGE = 200  # comments on one page
JOBS, WEB = "db_worker", "granian"


def measure(bench: Run) -> Iterator[str | Goal]:
    """Give first the worker and then the web server their work in quarters."""
    site, sizes = bench.site, bench.sizes
    story = fixture.add_thread("many comments", fixture.thread(sizes.comments), days=20)
    fixture.analyze()
    jobs = iter(_jobs(sizes.jobs))

    def run_jobs() -> None:
        for enqueue in islice(jobs, sizes.jobs // QUARTERS):
            enqueue()
        _wait_for_jobs()

    of_worker = list(_sizes(bench, JOBS, run_jobs))
    large = fixture.add_thread("long comments", _long_comments(sizes.letters), days=20)
    requests = iter(_requests(site, story, large, sizes.requests))

    errors = Counter[str]()

    def send_requests() -> None:
        quarter = list(islice(requests, sizes.requests // QUARTERS))
        errors.update(send(site.target("", "/"), quarter, clients=8).errors)

    of_web = list(_sizes(bench, WEB, send_requests))
    yield f"{sizes.jobs:,} jobs, then {sizes.requests:,} requests. Resident memory in MB:"
    yield ""
    heads = ("at first", *(f"{n} of {QUARTERS}" for n in range(1, QUARTERS + 1)))
    table = (
        f"{head} | {worker[0]:.0f} | {' and '.join(f'{size:.0f}' for size in web)}"
        for head, worker, web in zip(heads, of_worker, of_web, strict=True)
    )
    yield from rows("after the quarter | job worker | web workers", table)
    for name, figures in (("job worker", of_worker), ("larger web worker", of_web)):
        yield Goal(f"{name}: the last quarter against the first", figures[-1][-1] / figures[1][-1], most=1.1)
    busy = errors.pop("429", 0)  # eight clients may search at once, which the site allows to fewer
    yield Goal("searches refused because too many were running", busy, unit="")
    yield Goal("other requests without their page", errors.total(), most=0, unit="")


def _sizes(bench: Run, part: str, work: Callable[[], None]) -> Iterator[list[float]]:
    """Yield the resident memory of these processes, at first and after each quarter of the work."""
    yield sorted(servers.resident_megabytes(bench.site.process, part))
    for _ in range(QUARTERS):
        work()
        sleep(bench.sizes.settle)  # the web server releases the memory of large pages once a second
        found = sorted(servers.resident_megabytes(bench.site.process, part))
        report(f"{part}: {found}")
        yield found


def _long_comments(letters: int) -> list[ThreadComment]:
    words = Words(1)
    text = " ".join(words.body() for _ in range(20))
    body = (text * (letters // len(text) + 1))[:letters]
    return [ThreadComment(None, 0, f"Reader {n}", n / PAGE, f"{n} {body}"[:letters]) for n in range(PAGE)]


def _jobs(count: int) -> Iterator[Callable[[], object]]:
    """Yield functions that enqueue one job each."""
    from accounts import mails
    from accounts.models import Guest, SignUp
    from articles.images.tasks import make_sizes_of
    from articles.models import Image
    from comments import tasks as comment_tasks
    from comments.models import Comment
    from moderation import tasks
    from moderation.models import Action, SimilarityScan
    from moderation.similar.scan import run_requested_scan

    site = asdict(mails.MailSiteSettings("en", "Soundoff", "editor@example.org"))
    actions = [str(pk) for pk in Action.objects.values_list("pk", flat=True)]
    comments = list(Comment.objects.values_list("pk", flat=True)[:1000])
    images = list(Image.objects.values_list("pk", flat=True))

    def confirm(n: int) -> None:
        guest = Guest.objects.create(name=f"Guest {n}", email=f"guest-{n}@example.org")
        comment_tasks.mail_confirmation.enqueue(guest.pk)

    def sign_up(n: int) -> None:
        pending = SignUp.objects.create(email=f"sign-up-{n}@example.org", name=f"Member {n}")
        mails.mail_sign_up.enqueue(pending.pk, site=site)

    def move_focal_point(n: int) -> None:
        image = images[n // RARE % len(images)]
        Image.objects.filter(pk=image).update(focal_x=n // RARE % 100)
        make_sizes_of.enqueue(image)

    often: list[Callable[[int], object]] = [
        confirm,
        sign_up,
        lambda n: mails.mail_reset.enqueue(f"nobody-{n}@example.org", site=site),
        lambda n: tasks.notify_authors.enqueue(actions[n % len(actions)] if actions else str(uuid4())),
        lambda n: tasks.notify_reporters.enqueue(actions[n % len(actions)] if actions else str(uuid4())),
        lambda n: tasks.notify_not_published.enqueue(comments[n % len(comments)]),
        lambda n: comment_tasks.count_recommendations.enqueue(),
    ]
    for n in range(count):
        if n % RARE == 0:
            yield lambda n=n: move_focal_point(n)  # type: ignore[misc]
        elif n % RARE == RARE // 2:
            yield lambda: run_requested_scan.enqueue(str(SimilarityScan.objects.create().pk))
        else:
            yield lambda n=n: often[n % len(often)](n)  # type: ignore[misc]


def _wait_for_jobs() -> None:
    from django_tasks.base import TaskResultStatus
    from django_tasks_db.models import DBTaskResult

    while DBTaskResult.objects.ready().exists() or DBTaskResult.objects.running().exists():
        sleep(0.5)
    failed = DBTaskResult.objects.filter(status=TaskResultStatus.FAILED).first()
    if failed:
        raise RuntimeError(failed.traceback)


def _requests(
    site: Soundoff, story: fixture.ImportedStory, large: fixture.ImportedStory, count: int
) -> list[bytes]:
    """Return requests of readers and of a member, searches, and now and then the page of 20 MB."""
    cookie = fixture.session_cookie(fixture.member())
    cached = [site.target("", path).request() for path in ("/", story.path)]
    member = site.target("", story.path, cookie).request()
    made_anew = site.target("", large.path, cookie).request()  # pages of members are not cached
    words = Words(2)
    found = []
    for n in range(count):
        if n % RARE == 0:
            found.append(made_anew)
        elif n % 10 == 0:
            found.append(member)
        elif n % 10 == 1:
            found.append(site.target("", f"/search/?q={words.sentence(1)}").request())
        else:
            found.append(cached[n % 2])
    return found


if __name__ == "__main__":
    run("memory", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
