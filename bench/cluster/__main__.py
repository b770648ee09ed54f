"""Run the site on hosts of their own, break one after the other under load, and count what was lost.

Each fault is measured for a minute: it begins after 15 seconds and ends after 35. Eight writers post, 24
anonymous readers, who also look at a picture, and 8 members read, each once a second. Some seconds before the
fault a moderator removes a comment, which no web server may show afterwards. At the end every acknowledged
comment must exist once, no job may be left, and `manage.py check_integrity` must find nothing. Needs root and
Debian's patroni, etcd-server, python3-etcd, haproxy, iproute2 and chromium.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from subprocess import CalledProcessError
from threading import Timer
from typing import Any

from bench import runner, servers
from bench.cluster.engines import DATABASES, NUMBERS, WEBS, Cluster
from bench.cluster.faults import FAULTS, Fault
from bench.cluster.hosts import network, wait_until
from bench.cluster.load import longest_gap
from bench.cluster.seed import ANONYMOUS_READERS, email_of

BEGIN, END, SECONDS = 15, 35, 60
WATCHED = 10  # seconds
# Jobs that have ended, and those that are due and have not.
_JOBS = """
from django.db.models import Q
from django.utils import timezone
from django_tasks_db.models import DBTaskResult as Job
due = Q(status="READY", run_after__lte=timezone.now()) | Q(status="READY", run_after__year=9999)
jobs = Job.objects.filter
print(jobs(status="SUCCESSFUL").count(), jobs(due | Q(status="RUNNING")).count())"""
_HOLD_A_LOCK = """
import time
from django.db import connection, transaction
with transaction.atomic():
    connection.cursor().execute("SELECT FROM comments_discussion FOR UPDATE")
    time.sleep(600)"""
_LOCKS = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT FROM comments_discussion FOR UPDATE'"
LOAD_SECONDS = 15  # seconds in which the readers wait for nothing but the answers
_COUNTS = """
SELECT coalesce(sum(calls) FILTER (WHERE query = 'BEGIN'), 0),
       coalesce(sum(calls) FILTER (WHERE query LIKE '%clock_timestamp() >= to_timestamp(%'), 0)
FROM pg_stat_statements"""
HEAD = (
    "fault | acknowledged | lost | twice | sent again | longest without a post | pages requested "
    "| outage copies | no page | longest without a page | made on replicas "
    "| replica was behind | removed comment shown for | pictures: other answers | jobs done, left | integrity"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--faults", nargs="*", type=int, help="their numbers; all unless given")
    parser.add_argument("--walkthrough", action="store_true", help="break nothing after the walkthrough")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    options = parser.parse_args()
    chosen = [fault for n, fault in enumerate(FAULTS) if options.faults is None or n in options.faults]
    with running_cluster() as (cluster, seeded):
        walkthrough = runner.rows("step | seconds", walk_through(cluster, seeded))
        runner.publish("cluster: walkthrough", walkthrough, write=options.write)
        if not options.walkthrough:
            runner.publish("cluster", _lines(cluster, seeded, chosen), write=options.write)


def _lines(cluster: Cluster, seeded: dict[str, Any], faults: Sequence[Fault]) -> Iterator[str]:
    yield "A comment that a moderator removes was shown last, after the decision:"
    yield from runner.rows("host | seconds", measure_removal(cluster, seeded))
    yield ""
    yield "As many readers, who ask again at once. The hosts share two processors with these clients:"
    head = "web servers | answers a second | CPU ms an answer: web | databases | HAProxy | other answers"
    yield from runner.rows(head, measure_growth(cluster, seeded))
    yield ""
    seconds = measure_lost_lock(cluster)
    yield f"A web host that was cut off in a transaction held its locks for {seconds:.0f} s."
    yield ""
    yield from runner.rows(HEAD, (measure(cluster, seeded, fault, n) for n, fault in enumerate(faults)))


@contextmanager
def running_cluster() -> Iterator[tuple[Cluster, dict[str, Any]]]:
    """Run a site on hosts of its own. Yields it with what the clients need (seed.py)."""
    with servers.temporary_folder() as folder, network(folder, NUMBERS) as hosts:
        cluster = Cluster(hosts, folder)
        started = time.monotonic()
        cluster.start_engines()
        cluster.manage("web1", "upgrade")
        environment = cluster.environment(hosts["web1"])
        seeded = hosts["web1"].run([sys.executable, "-m", "bench.cluster.seed"], env=environment)
        cluster.start_site()
        runner.report(f"{len(hosts)} hosts run after {time.monotonic() - started:.0f} s.")
        yield cluster, json.loads(seeded.splitlines()[-1]) | {"setup": cluster.setup_link()}


def walk_through(cluster: Cluster, seeded: dict[str, Any]) -> Iterator[str]:
    """Yield the time of each step of the walkthrough (walkthrough.py), in seconds."""
    client = cluster.hosts["client"]
    path = client.folder / "seeded.json"
    path.write_text(json.dumps(seeded))
    servers = [cluster.hosts[name].address for name in WEBS]
    output = client.run([sys.executable, "-m", "bench.cluster.walkthrough", cluster.url, path, *servers])
    for name, seconds in json.loads(output.splitlines()[-1]).items():
        yield f"{name} | {seconds:.1f}"


def measure(cluster: Cluster, seeded: dict[str, Any], fault: Fault, number: int) -> str:
    """Return the row of one fault."""
    mark = f"mark{number}"
    runner.report(f"{fault.name} …")
    before = _replica_counts(cluster)
    end: list[Callable[[], None]] = []
    timers = [Timer(BEGIN, lambda: end.append(fault.begin(cluster))), Timer(END, lambda: end[0]())]
    jobs_before = _count_jobs(cluster)[0]
    comment, text = _take_comment(cluster, seeded)
    began = time.time()
    with ThreadPoolExecutor() as pool:
        for timer in timers:
            timer.start()
        removing = pool.submit(_remove, cluster, comment, began + BEGIN - fault.removed_before)
        watching = pool.submit(_watch, cluster, seeded["story"], text, SECONDS)
        outcome = run_load(cluster, seeded, mark=mark, image=seeded["image"])
        shown = max(0.0, max(watching.result().values()) - removing.result())
    for timer in timers:
        timer.join()
    wait_until(lambda: bool(cluster.primary() and cluster.synchronous()), "primary and replica are back")
    after = _replica_counts(cluster)
    made, behind = (
        sum(max(0, after[name][n] - before[name][n]) for name in after.keys() & before) for n in (0, 1)
    )
    found, answers = stored_marks(cluster, mark), Counter(outcome["answers"])
    lost = sum(found[one] == 0 for one in outcome["acknowledged"])
    twice = sum(count - 1 for count in found.values())
    failed = answers.total() - answers["200"] - answers["copy 200"]
    pictures = Counter(outcome["images"])
    with suppress(TimeoutError):
        wait_until(lambda: _count_jobs(cluster)[1] == 0, "no job is left")
    jobs, left = _count_jobs(cluster)
    runner.report(f"readers: {dict(answers)}, posts: {outcome['posts']}, pictures: {dict(pictures)}")
    try:
        cluster.manage("worker", "check_integrity")
        is_sound = True
    except CalledProcessError as error:
        runner.report(f"check_integrity: {error.output}")
        is_sound = False
    cells = [
        fault.name,
        len(outcome["acknowledged"]),
        lost,
        twice,
        outcome["sent_again"],
        f"{longest_gap(outcome['posted_at'], SECONDS):.1f} s",
        answers.total(),
        answers["copy 200"],
        f"{failed} ({100 * failed / answers.total():.1f} %)",
        f"{longest_gap(outcome['read_at'], SECONDS):.1f} s",
        made,
        behind,
        f"{shown:.2f} s",
        f"{pictures.total() - pictures['200']} of {pictures.total()}",
        f"{jobs - jobs_before}, {left}",
        "sound" if is_sound else "**not sound**",
    ]
    return " | ".join(map(str, cells))


def run_load(cluster: Cluster, seeded: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Run a load on the client's host and return its Outcome. `changes` are fields of the Load."""
    client = cluster.hosts["client"]
    load = {
        "host": cluster.hosts["web-balancer"].address,
        "story": seeded["story"],
        "comments": seeded["comments"][1:101],
        "writers": seeded["writers"],
        "members": seeded["members"] * (ANONYMOUS_READERS // 3),
        "anonymous_readers": ANONYMOUS_READERS,
        "seconds": SECONDS,
        "mark": "mark",
    }
    path = client.folder / "load.json"
    path.write_text(json.dumps(load | changes))
    outcome: dict[str, Any] = json.loads(
        client.run([sys.executable, "-m", "bench.cluster.load", path]).splitlines()[-1]
    )
    return outcome


def measure_growth(cluster: Cluster, seeded: dict[str, Any]) -> Iterator[str]:
    """Yield a row for each number of web servers, from all of them down to one, and start them again."""
    for count in range(len(WEBS), 0, -1):
        for name in WEBS[count:]:
            cluster.hosts[name].stop()
        run_load(cluster, seeded, writers=[], seconds=5)  # until the load balancer has noticed
        before = _processor_seconds(cluster)
        outcome = run_load(cluster, seeded, writers=[], seconds=LOAD_SECONDS, read_every=0)
        after, answers = _processor_seconds(cluster), Counter(outcome["answers"])
        spent = [
            1000 * (after[name] - before[name]) / answers.total() for name in ("web", "databases", "HAProxy")
        ]
        cells = [count, f"{answers['200'] / LOAD_SECONDS:,.0f}", *(f"{one:.2f}" for one in spent)]
        yield " | ".join(map(str, [*cells, answers.total() - answers["200"]]))
    for name in WEBS[1:]:
        cluster.start(name)
    for name in WEBS:
        wait_until(lambda name=name: cluster.answers(name, 8000, "/readyz"), f"{name} is ready")  # type: ignore[misc]


def stored_marks(cluster: Cluster, mark: str) -> Counter[str]:
    """Return the number of comments with each mark of this load."""
    program = f"""
import json
from comments.models import Comment
found = Comment.objects.filter(body__contains={mark + "-"!r})
print(json.dumps([body.split()[-1] for body in found.values_list("body", flat=True)]))"""
    return Counter(json.loads(_shell(cluster, program)))


def _replica_counts(cluster: Cluster) -> dict[str, tuple[int, int]]:
    """Return for each replica how many pages it has made, and how often it had not replayed the log so far.

    Only pages begin transactions there. A server that was killed counts from 0 again.
    """
    counts = {}
    for name in cluster.replicas():
        pages, checks = map(int, cluster.query(name, _COUNTS).split("|"))
        counts[name] = pages, checks - pages
    return counts


def measure_removal(cluster: Cluster, seeded: dict[str, Any]) -> Iterator[str]:
    """Remove a comment and yield for each web host how long it was shown afterwards."""
    path = f"{seeded['story']}?order=oldest"  # with the first comment
    with ThreadPoolExecutor() as pool:
        watching = pool.submit(_watch, cluster, path, seeded["texts"][0], WATCHED)
        removed_at = _remove(cluster, seeded["comments"][0])
        last = watching.result()
    for name in WEBS:
        seconds = f"{max(0.0, last[name] - removed_at):.2f}" if last[name] else "not shown before"
        yield f"{name} | {seconds}"


def measure_lost_lock(cluster: Cluster) -> float:
    """Cut off a web host that holds a lock, and return the seconds until Postgres gives the lock up."""
    host, primary = cluster.hosts["web1"], cluster.primary()
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", _HOLD_A_LOCK]
    host.start("locking", command, env=cluster.environment(host))
    wait_until(lambda: cluster.query(primary, _LOCKS) == "1", "a web host holds a lock")
    host.disconnect()
    began = time.monotonic()
    wait_until(lambda: cluster.query(primary, _LOCKS) == "0", "the lock is given up")
    seconds = time.monotonic() - began
    host.reconnect()
    host.running.pop("locking").kill()
    wait_until(lambda: cluster.answers("web1", 8000, "/readyz"), "web1 is ready")
    return seconds


def _take_comment(cluster: Cluster, seeded: dict[str, Any]) -> tuple[int, str]:
    """Return the id and the first words of a comment that the page of the story shows.

    It is no longer among the comments of `seeded`, since nobody can reply to it once it is removed.
    """
    program = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
    url = f"{cluster.url}{seeded['story']}"
    page = cluster.hosts["client"].run([sys.executable, "-S", "-c", program, url])
    # The first one is that of measure_removal.
    for number, (pk, text) in list(enumerate(zip(seeded["comments"], seeded["texts"], strict=True)))[1:]:
        if f'id="comment-{pk}"' in page and text in page:
            del seeded["comments"][number], seeded["texts"][number]
            return pk, text
    raise RuntimeError(f"{url} shows no comment that can be removed.")


def _remove(cluster: Cluster, comment: int, at: float = 0) -> float:
    """Remove a comment, not before this time (seconds since 1970). Return the time of the decision."""
    program = f"""
import time
from accounts.models import User
from comments.models import Reason, State
from moderation.actions.decisions import decide
actor = User.objects.get(email={email_of("Moderator")!r})
time.sleep(max(0, {at} - time.time()))
decide(ids=[{comment}], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=actor)
print(time.time())"""
    return float(_shell(cluster, program, host="web3"))  # which no fault affects


def _watch(cluster: Cluster, path: str, text: str, seconds: int) -> dict[str, float]:
    """Return for each web host the time of its last page with this text, in seconds since 1970; 0 if none."""
    hosts = {cluster.hosts[name].address: name for name in WEBS}
    site = cluster.hosts["web-balancer"].address
    watch = [sys.executable, "-m", "bench.cluster.watch", site, path, text, str(seconds), *hosts]
    last = json.loads(cluster.hosts["client"].run(watch).splitlines()[-1])
    return {name: last[address] for address, name in hosts.items()}


def _count_jobs(cluster: Cluster) -> tuple[int, int]:
    """Return the numbers of jobs that have succeeded, and of those that are due or running."""
    done, left = map(int, _shell(cluster, _JOBS).split())
    return done, left


def _shell(cluster: Cluster, program: str, host: str = "worker") -> str:
    """Run Python on a host and return the last line that it prints."""
    return cluster.manage(host, "shell", "-v0", "-c", program).splitlines()[-1]


def _processor_seconds(cluster: Cluster) -> dict[str, float]:
    groups = {
        "databases": DATABASES,
        "web": WEBS,
        "worker": ["worker"],
        "HAProxy": ["db-balancer", "web-balancer"],
    }
    hosts = cluster.hosts
    return {name: sum(hosts[one].processor_seconds() for one in some) for name, some in groups.items()}


if __name__ == "__main__":
    main()
