"""The start pages of record.py, the actions of people on the site, and the management commands."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

ACTIONS, PAGES = (Path(__file__).with_name(name) for name in ("actions.txt", "pages.txt"))
CSV = """\
author,url,body,label
Ann,,A word about the harbour.,ham
Best Deals,https://shop.example/,Buy cheap pills at https://shop.example/ now,spam
Bo,,I saw the ferry.,ham
Top,,Great post thanks for sharing,spam
"""
STORY = """\
March 3rd, 2014
09:15 AM ET

The ferry will not sail on Sundays

From May on, nobody crosses the sound on a Sunday.

Topics: Harbour

soundoff (2 Responses)
  1. Ann

    My mother lives over there.

    March 3, 2014 at 9:40 am | Reply

    • Bo

      Mine, too.

      March 3, 2014 at 10:02 am | Reply

Post a comment
"""


STAFF = {"moderator", "editor", "administrator"}
FILES = {"story.txt": STORY, "x.txt": "Nothing.", "terms.txt": "zeppelin\nairship\n"}
SAM = [("name", "Stranger Sam"), ("email", "sam@example.com")]


def roots(fixture: dict[str, Any], role: str) -> list[str]:
    """Return the pages from which a role starts, in addition to those that it finds."""
    pages = {
        name: rest.split() for name, rest in re.findall(r"^(\w+):\n((?:.*[^:]\n)+)", PAGES.read_text(), re.M)
    }
    comments, stories = fixture["comments"], fixture["stories"]
    slip = "/stories/the-slip-is-gone/"
    found = [
        *pages["all"],
        f"/oembed/?url={quote(fixture['base'] + slip)}",
        *(f"/stories/{slug}/" for slug in stories),
    ]
    for story in (slip, "/stories/a-closed-talk/", "/stories/members-only-talk/", "/stories/a-hidden-talk/"):
        found += [
            story + end
            for end in (
                *("feed/", "find/?q=harbour", "find/", "version/", "new/?since=0", "since/?since=0"),
                *("reply/", "follow/"),
            )
        ]
    found += [f"{slip}?order={order}" for order in ("oldest", "newest", "recommended", "discussed", "none")]
    if role in {"guest", "editor"}:  # who see little that others do not
        kept = {"root", "own", "waiting0", "waiting1", "look", *sorted(comments)[::3]}
        comments = {name: comments[name] for name in sorted(kept)}
    for name, (pk, slug) in comments.items():
        found.append(f"/stories/{slug}/comments/{pk}/")
        if name in {"root", "own", "waiting0", "gone", "other", "look"}:
            found += [f"/stories/{slug}/{view}/{pk}/" for view in ("reply", "report", "recommend")]
        if name in {"root", "own", "look", "look3", "waiting0", "rude_own", "edited", "redacted", "mine"}:
            found += [f"/comments/{pk}/{view}/" for view in ("edit", "delete", "decision", "resubmit")]
        if role in STAFF:
            found.append(f"/moderation/comments/{pk}/")
        if role in STAFF and name in {"root", "waiting0", "look"}:
            found += [
                f"/moderation/comments/{pk}/{end}"
                for end in ("move/", "restrict/", "duplicate/", "redact/", "pick/", "?next=story")
            ]
        if role in STAFF and name.startswith("restricted"):
            found.append(f"/moderation/restricted/{pk}/")
    found += [f"/people/{pk}/" for pk in fixture["users"].values()]
    if role in STAFF:
        found += [*pages["staff"], *(f"/moderation/people/{key}/" for key in fixture["persons"].values())]
        found += [f"/moderation/rules/new/{kind}/" for kind in pages["rules"]]
        for pk in stories.values():
            found += [f"/admin/articles/article/{pk}/{end}" for end in ("change/", "history/")]
            found.append(f"/admin/comments/comment/?discussion={pk}")
            found.append(f"/moderation/discussions/{pk}/proposed-parents/")
        ends = ("publication/publish/", "publication/unpublish/", "publication/embargo/", "redact/")
        found += [
            f"/admin/articles/article/{stories['the-slip-is-gone']}/{end}"
            for end in (*ends, "corrections/1/")
        ]
        found += [
            f"/admin/{model}/{end}"
            for model in pages["admin"]
            for end in ("", "add/", "1/change/", "1/history/", "?q=a")
        ]
    return found


def placeholders(fixture: dict[str, Any]) -> dict[str, Any]:
    """Return what stands for the names in braces in actions.txt, from what fill.py has stored."""
    words = {
        "slip": "/stories/the-slip-is-gone/",
        "base": fixture["base"],
        "group": fixture["group"],
        "rule": fixture["rule"],
        "request": fixture["requests"][0],
        "word": "A new word about the harbour, by",
        "too long": "x" * 10_001,
        "root body": fixture["root_body"].replace("learnt", "[[learnt]]"),
    }
    for name, (pk, slug) in fixture["comments"].items():
        words |= {name: pk, f"{name}.story": slug}
    words["own comment"] = words["mine"]
    for kind, named in (("user", "users"), ("person", "persons"), ("story", "stories")):
        words |= {f"{kind} {name}": key for name, key in fixture[named].items()}
    return words


def perform(recorder: Any, browsers: dict[str, Any]) -> None:
    """Perform the actions in actions.txt, and save each response on the way."""
    words = placeholders(recorder.site.fixture)
    last: dict[str, str] = {}  # the page to which the last action of each role led
    missing = list[str]()

    def fill(text: str) -> str:
        return re.sub(r"\{([^{}]+)\}", lambda match: str(words.get(match[1], match[0])), text)

    lines = [line for line in ACTIONS.read_text().splitlines() if line and not line.startswith("#")]
    staff = ""
    for number, line in enumerate(lines, 1):
        name, role, page, pick, pressed, given, file = [*line.split(" | "), "", "", ""][:7]
        if role in STAFF:  # the mails of the action before are sent, and nobody else holds a case
            recorder.site.advance_clock(120 if role == staff else 360)
            recorder.site.wait_for_jobs()
            staff = role
        browser, folder = browsers[role], f"actions/{number:03} {name}"
        if page == "latest":
            links = [urlsplit(link).path for link in browser.page(recorder.now("/moderation/actions/")).links]
            page = next(path for path in links if re.search(r"/[0-9a-f-]{36}/$", path))
        page = last.get(role, "/") if page == "last" else recorder.now(fill(page))
        pairs = [
            pair.partition("=")[::2] for pair in given.split(" & ") if "=" in pair
        ] + SAM * given.endswith("{sam}")
        values = [(recorder.now(field), fill(value)) for field, value in pairs]
        files = [
            (recorder.now(field), at, FILES[at].encode()) for field, _, at in [file.partition("=")] if at
        ]
        button = (recorder.now(pressed.partition("=")[0]), pressed.partition("=")[2]) if pressed else None
        before, found = browser.read(page.split("#")[0])
        form, action, button = choose(found.forms, recorder.now(fill(pick)), button)
        if form is None:
            missing.append(name)
            recorder.save(folder, "1", f"No form with “{fill(pick)}” on this page.\n\n" + before.saved())
            continue
        set_here = {field for field, _value in values}
        fields = [(field, value) for field, value in form["fields"] if field not in set_here] + values
        answer = browser.send_request("POST", action, fields + [button] * bool(button and button[0]), files)
        recorder.save(folder, "1", f"{role}: " + answer.saved())
        last[role], at = page, action
        for step in range(2, 6):
            if answer.status not in {301, 302, 303} or not answer.headers["Location"]:
                break
            at = urljoin(at, answer.headers["Location"])
            parts = urlsplit(at)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            last[role] = path + "#" + parts.fragment if step == 2 else last[role]
            answer = browser.send_request("GET", path)
            recorder.save(folder, str(step), answer.saved())
        own = re.search(r"(?:comment-|comments/)(\d+)", last[role])
        if own and name == "post as a reader":
            words["own comment"] = own[1]
    recorder.counts["actions done"] = len(lines) - len(missing)
    if missing:
        print("No form for:", ", ".join(missing), flush=True)


def choose(forms: list[dict[str, Any]], pick: str, button: Any) -> tuple[dict[str, Any] | None, str, Any]:
    """Return a form, its address and the button to press.

    The form is the first one that posts and has `pick` in its action or as a field, with that button if
    one has it. Without a button the first one is pressed if all of them have names.
    """

    def fits(form: dict[str, Any]) -> bool:
        paths = [urlsplit(url).path for url in (form["action"], *(url for _button, url in form["actions"]))]
        return form["method"] == "post" and (pick in form["names"] or any(pick in path for path in paths))

    found = [form for form in forms if fits(form)]
    found = [form for form in found if button in form["buttons"]] or found
    if not found:
        return None, "", None
    form = found[0]
    if not button and form["buttons"] and all(name for name, _value in form["buttons"]):
        button = form["buttons"][0]
    for pressed, url in form["actions"]:
        if pick in urlsplit(url).path or pressed == button:
            return form, url, pressed
    return form, form["action"], button


def format_result(argv: list[str], done: subprocess.CompletedProcess[str]) -> str:
    errors = "\n".join(line for line in done.stderr.splitlines() if "Warning" not in line)
    head = f"manage.py {' '.join(argv)}\nexit code: {done.returncode}"
    return f"{head}\n-- stdout --\n{done.stdout}\n-- stderr --\n{errors}\n"


def command_lines(
    site: Any, own: list[str], comments: Path, story: Path
) -> list[tuple[list[str], dict[str, str]]]:
    """Return the commands to run, each with what is added to its environment. `own` are their names."""
    https = {
        "SITE_URL": "https://example.org",
        "BEHIND_PROXY": "1",
        "DATABASE_URL": "postgresql://nobody@localhost/none",
    }
    runs: list[tuple[list[str], dict[str, str]]] = [([name, "--help"], {}) for name in sorted(own)]
    runs += [
        (argv, {})
        for argv in (
            ["check_integrity"],
            ["check_integrity", "--json"],
            ["evaluate_filter", str(comments)],
            ["evaluate_filter", str(comments), "--filter", "starter", "--json"],
            ["evaluate_filter", str(comments), "--filter", "99"],
            ["evaluate_filter", str(site.home / "nothing.csv")],
            ["replay_filter"],
            ["replay_filter", "--json"],
            ["import_archive", str(site.seed), "--dry-run"],
            ["import_archive", str(site.seed), "--dry-run", "--json"],
            ["import_archive", str(story)],
            ["import_archive", str(comments)],
            ["backup", str(site.home / "again.zip")],
            ["backup", str(site.home / "again.zip")],
            ["restore", str(site.home / "again.zip")],
            ["restore", str(comments)],
            ["upgrade"],
            ["replay_erasures", str(site.home / "site" / "erasures.jsonl")],
            ["replay_erasures", str(comments)],
            ["serve"],
            ["serve", str(site.home / "nothing.txt")],
            ["check"],
        )
    ]
    runs += [(["check", "--deploy"], https), (["check"], {"SITE_URL": "https://example.org"})]
    # These last, with the site stopped: its own clock would be faster some of the time.
    runs += [(["tick"], {}), (["tick", "--list"], {})]
    return runs


def commands(recorder: Any) -> None:
    """Run the commands and save their output."""
    site = recorder.site
    comments, story = site.home / "comments.csv", site.home / "story.txt"
    comments.write_text(CSV)
    story.write_text(STORY)
    listed = site.run("help").stdout
    own = list[str]()
    for block in re.split(r"\n(?=\[)", listed):
        app = block.split("]")[0].strip("[\n")
        if re.fullmatch(r"accounts|articles|comments|moderation|archive|config|core", app):
            own += re.findall(r"^    (\w+)$", block, re.M)
    recorder.save("commands", "help", "\n".join(sorted(own)))
    runs = command_lines(site, own, comments, story)
    for number, (argv, env) in enumerate(runs, 1):
        if argv == ["tick"]:
            site.stop()
            site.advance_clock(700)
        done = site.run(recorder.now(argv[0]), *argv[1:], **env)
        argv = [re.sub(r"^/.*/", "", arg) for arg in argv]
        name = f"{number:02} {' '.join(argv)}" if "--help" not in argv else f"help {argv[0]}"
        recorder.save("commands", name, format_result(argv, done))
    erasures = site.home / "site" / "erasures.jsonl"
    if erasures.exists():
        lines = [
            json.dumps(sorted(json.loads(line)) if line.startswith("{") else line)
            for line in erasures.read_text().splitlines()
        ]
        recorder.save("commands", "erasures", "\n".join(lines))
