"""A visitor of the site, and the links and forms of the pages they get."""

import hashlib
import http.client
import io
import re
import zipfile
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit
from uuid import uuid4

from served_site import Site

HEADERS = [
    "Content-Type",
    "Location",
    "Cache-Control",
    "Vary",
    "X-Robots-Tag",
    "Content-Disposition",
    "Allow",
    "Retry-After",
    "Link",
    "Content-Security-Policy",
    "Referrer-Policy",
    "X-Frame-Options",
]
PRESENT = ["ETag", "Last-Modified"]  # whose values depend on the run


class Page(HTMLParser):
    """The links and forms of a response, in order."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.url, self.links, self.forms = url, list[str](), list[dict[str, Any]]()
        self.by_id, self.form, self.select, self.area = dict[str, Any](), None, None, None
        self.feed(text)
        self.links += re.findall(r"<loc>([^<]+)</loc>", text)
        for form in self.forms:
            if form["method"] == "get":
                self.links.append(form["action"].split("?")[0] + "?" + urlencode(form["fields"]))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag in {"a", "area", "link"} and at.get("href"):
            self.links.append(urljoin(self.url, at["href"]))
        if tag == "img" and at.get("src"):
            self.links.append(urljoin(self.url, at["src"]))
        if tag == "form":
            self.form = {
                "action": urljoin(self.url, at.get("action", "") or self.url),
                "fields": [],
                "buttons": [],
                "method": at.get("method", "get").lower(),
                "files": [],
                "names": set(),
                "actions": [],
            }
            self.forms.append(self.form)
            self.by_id[at.get("id", "")] = self.form
        form = self.by_id.get(at["form"]) if at.get("form") else self.form
        name, value = at.get("name", ""), at.get("value", "")
        if form is None:
            return
        if name and tag in {"input", "select", "textarea", "button"}:
            form["names"].add(name)
        kind = at.get("type", "text").lower()
        if tag == "input" and kind in {"submit", "image"}:
            form["buttons"].append((name, value))
        elif tag == "input" and name:
            if kind == "file":
                form["files"].append(name)
            elif kind not in {"button", "reset"} and (kind not in {"radio", "checkbox"} or "checked" in at):
                form["fields"].append((name, value or ("on" if kind == "checkbox" else "")))
        if tag == "button" and at.get("type", "submit") == "submit":
            form["buttons"].append((name, value))
            if at.get("formaction"):
                form["actions"].append(((name, value), urljoin(self.url, at["formaction"])))
        if tag == "select" and name:
            self.select = (form, name, "multiple" in at, [])
        if tag == "option" and self.select:
            self.select[3].append((value, "selected" in at))
        if tag == "textarea" and name:
            self.area = (form, name, [])

    def handle_data(self, data: str) -> None:
        if self.area:
            self.area[2].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        if tag == "textarea" and self.area:
            form, name, parts = self.area
            form["fields"].append((name, "".join(parts).removeprefix("\n")))
            self.area = None
        if tag == "select" and self.select:
            form, name, many, options = self.select
            chosen = [value for value, is_chosen in options if is_chosen]
            if not chosen and options and not many:
                chosen = [options[0][0]]
            form["fields"] += [(name, value) for value in (chosen if many else chosen[-1:])]
            self.select = None


class Answer:
    def __init__(self, method: str, path: str, response: http.client.HTTPResponse) -> None:
        self.method, self.path, self.status = method, path, response.status
        self.headers, data = response.headers, response.read()
        kind = self.headers.get("Content-Type", "")
        self.is_text = any(part in kind for part in ("text/", "xml", "json", "javascript"))
        self.is_page = "html" in kind or "xml" in kind or not kind
        self.text = data.decode("utf-8", "replace") if self.is_text else ""
        if "zip" in kind:  # which has times in it
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                members = {name: packed.read(name) for name in packed.namelist()}
            self.is_text, self.is_page = True, False
            self.text = "\n".join(
                f"-- {name}\n{one.decode(errors='replace')}" for name, one in members.items()
            )
        self.digest = f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()}"

    def saved(self) -> str:
        lines = [f"{self.method} {self.path}", f"status: {self.status}"]
        for name in HEADERS:
            if (value := self.headers[name]) is not None:  # django-csp writes its parts in any order
                parts = sorted(value.split("; ")) if name == "Content-Security-Policy" else [value]
                lines.append(f"{name}: {'; '.join(parts)}")
        lines += [f"{name}: there" for name in PRESENT if self.headers[name]]
        cookies = [one.split("=")[0] for one in self.headers.get_all("Set-Cookie") or []]
        lines += [f"Set-Cookie: {name}" for name in sorted(cookies)]
        return "\n".join(lines) + "\n\n" + (self.text if self.is_text else self.digest) + "\n"


class Browser:
    """A visitor of the site with the cookies that it set."""

    def __init__(self, site: Site, role: str) -> None:
        self.site, self.role, self.cookies = site, role, dict[str, str]()
        self.web = http.client.HTTPConnection("127.0.0.1", site.port, timeout=120)
        if role == "guest":
            self.cookies["guest"] = site.fixture["guest_cookie"]

    def send_request(self, method: str, url: str, fields: Any = None, files: Any = ()) -> Answer:
        parts = urlsplit(url)
        path = (quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._") or "/") + (
            "?" + parts.query if parts.query else ""
        )
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept": "text/html",
        }
        body = None
        if method == "POST":
            self.web.close()  # a connection that broke would have it sent twice
            body, headers["Content-Type"] = encode(fields or [], files)
            headers["Referer"] = headers["Origin"] = f"http://127.0.0.1:{self.site.port}"
        for turn in range(3):
            try:
                self.web.request(method, path, body, headers)
                answer = Answer(method, path, self.web.getresponse())
                break
            except (http.client.HTTPException, OSError):
                self.web.close()
                if turn == 2:
                    raise
        for one in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = one.split(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip('"')
            if not value or "max-age=0" in one.lower():
                del self.cookies[name.strip()]
        self.site.wait_for_jobs()
        return answer

    def page(self, url: str) -> Page:
        return self.read(url)[1]

    def read(self, url: str) -> tuple[Answer, Page]:
        """Return a page, and its links and forms. A redirect is followed, as for a new document."""
        answer = self.send_request("GET", url)
        if answer.status == 302:
            url = urljoin(url, answer.headers["Location"])
            answer = self.send_request("GET", url)
        return answer, Page(urljoin(f"http://127.0.0.1:{self.site.port}", url), answer.text)

    def log_in(self, path: str) -> None:
        person = self.site.fixture["people"].get(self.role)
        if not person:
            return
        form = next(
            form for form in self.page(path).forms if any("password" in name for name, _ in form["fields"])
        )
        values = [
            (n, person["email"] if n == "login" else person["password"] if n == "password" else v)
            for n, v in form["fields"]
        ]
        answer = self.send_request("POST", form["action"], values)
        assert answer.status == 302, f"{self.role} can't log in: {answer.status}"


def encode(fields: list[tuple[str, str]], files: Any) -> tuple[bytes, str]:
    if not files:
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    line, parts = f"----{uuid4().hex}", list[bytes]()
    for name, value in fields:
        parts.append(f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, filename, data in files:
        head = f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
        parts += [head.encode(), data, b"\r\n"]
    return b"".join([*parts, f"--{line}--\r\n".encode()]), f"multipart/form-data; boundary={line}"
