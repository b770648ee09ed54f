"""Replace everything that depends on the run, so that two recordings are equal."""

import re

from served_site import DATA, ROOT, Site


class Normalizer:
    """Return texts without what depends on the run: tokens, times, ports, folders and new UUIDs."""

    def __init__(self, site: Site) -> None:
        self.known, self.made = set(site.fixture["uuids"]), dict[str, str]()
        plain = [
            (f"http://127.0.0.1:{site.port}", "http://site"),
            (f"127.0.0.1:{site.port}", "site"),
            (f"127.0.0.1%3A{site.port}", "site"),
            (str(site.home / "site"), "HOME"),
            (str(site.home), "SCRATCH"),
            (str(site.backup.parent), "BACKUP"),
            (str(DATA), "DATA"),
            (str(ROOT), "ROOT"),
        ]
        self.plain = [(old, new) for old, new in plain if old != "/"]
        day = (
            r"(?:Fri(?:day)?[ ,]*)?(?:27 Nov(?:ember)?(?: 2026)?|Nov(?:ember|\.)? 27, 2026|2026-11-27"
            r"|(?:4|27) Dec(?:ember)?(?: 2026)?|2026-12-(?:04|27))"  # when links to previews and warnings end
        )
        hour = r"(?:1[2-9]|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\.\d+)?"
        zone = r"(?: ?(?:Z|UTC|GMT|CET|[+-]\d\d:?\d\d))?"
        self.patterns = [
            (re.compile(pattern), new)
            for pattern, new in [
                (
                    r'(csrf\w*"? (?:value|content)="|X-CSRFToken(?:"|&quot;)?: ?(?:"|&quot;))\w+',
                    r"\1CSRF",
                ),
                (r'(name="(?:\w+-)?nonce"[^>]*value=")[0-9a-f-]{36}', r"\1NONCE"),
                (r"(/static/[\w./-]+?)\.[0-9a-f]{12}\.", r"\1.HASH."),
                (r"\b[\w-]{2,}(:|%3A)1[\w-]{5}\1[\w-]{43}", "SIGNED"),
                (r'("log_ends_with": \{\s+"seq": \d+,\s+"hash": ")[0-9a-f]{64}', r"\1DIGEST"),
                (r"\b[0-9a-f]{64}(  comment-\d+/comment\.json)", r"DIGEST\1"),
                (r"(/password/reset/key/\w+-)[\w-]+", r"\1KEY"),
                (
                    r'<time datetime="2026-(?:11-27|12-04|12-27)T(?:1[2-9]|2[0-3]):[^"]*"[^>]*>[^<]*</time>',
                    "<time>NOW</time>",
                ),
                (rf"{day}(?:T|,? |, at |,? at ){hour}{zone}", "NOW"),
                (r"Nov\. 27, 2026, \d+(?::\d\d)? [ap]\.m\.|Nov\. 27, 2026, noon", "NOW"),
                (
                    r"\b\d+ h(?: \d+ min)?\b|\b\d+(?:\.\d+)?[\s\xa0](?:min|sec|s|seconds?|minutes?)\b",
                    "SPAN",
                ),
                (r"(?:1 hour|\d hours)(?:, SPAN)?|just now|less than a minute", "SPAN"),
                (r"\b\d+(?:[.,]\d+)?[\s\xa0](?:bytes|KB|MB|GB|TB)\b", "SIZE"),
                (r'("seconds": |seconds {2,})[\d.]+', r"\1SPAN"),
                (r'(<progress max=")\d+(" value=")\d+', r"\1SIZE\2SIZE"),
                (r"SHA-256 [0-9a-f]{64}", "SHA-256 DIGEST"),
                (r'value="2026-1[12]-\d\dT(?:1[2-9]|2[0-3]):\d\d"', 'value="NOW"'),
                (r'value="(?:1[2-9]|2[0-3]):\d\d(?::\d\d)?"', 'value="HOUR"'),
                (r"\b(until|now|Saved|Published:|Unpublished:|date,) (?:1[2-9]|2[0-3]):\d\d\b", r"\1 HOUR"),
                (r'(data-seconds=")\d+', r"\1SPAN"),
            ]
        ]

    def __call__(self, text: str) -> str:
        for old, new in self.plain:
            text = text.replace(old, new)
        for pattern, new in self.patterns:
            text = pattern.sub(new, text)
        return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", self._uuid, text)

    def _uuid(self, match: re.Match[str]) -> str:
        found = match[0]
        return found if found in self.known else self.made.setdefault(found, f"UUID-{len(self.made) + 1}")
