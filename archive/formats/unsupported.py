"""Recognise files of kinds that cannot be imported, and say what to do instead. No database access."""

import re

BEGINNING = 8192  # number of bytes that are examined

SAVE_AS_TEXT = "open the story in a browser and save that page as text"
_ONLY_TEXT = f"only pages saved as text can be imported: {SAVE_AS_TEXT}"

_BINARY = (
    (b"%PDF-", f"a PDF; {_ONLY_TEXT}"),
    (b"PK\x03\x04", "a zip archive or an office document; unpack it, or save the document as text"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a file packed with gzip; unpack it first"),
    (b"BZh", "a file packed with bzip2; unpack it first"),
    (b"\xfd7zXZ\0", "a file packed with xz; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a file packed with zstd; unpack it first"),
    (b"\x89PNG", f"an image (PNG), not text; {SAVE_AS_TEXT}"),
    (b"\xff\xd8\xff", f"an image (JPEG), not text; {SAVE_AS_TEXT}"),
    (b"GIF8", f"an image (GIF), not text; {SAVE_AS_TEXT}"),
    (b"RIFF", f"an image or a recording, not text; {SAVE_AS_TEXT}"),
    (b"\xd0\xcf\x11\xe0", "a document of an older office program; save it as text"),
    (b"{\\rtf", "a document in Rich Text Format; save it as plain text"),
    (b"bplist", f"a web archive; {_ONLY_TEXT}"),
    (b"SQLite format 3\0", f"an SQLite database; {_ONLY_TEXT}"),
    (b"\xff\xfe\0\0", "text in UTF-32; save it as UTF-8"),
    (b"\0\0\xfe\xff", "text in UTF-32; save it as UTF-8"),
)
# Comments and a key, and then only lines that YAML may have: `# ` begins a heading in Markdown, too. The
# beginning of a line decides which alternative it matches; otherwise `re` would try all combinations.
_COMMENTED_YAML = (
    r"(?:(?:#[^\n]*|---[ \r]*)\n\s*)+(?:- +)?\w[\w.-]*:(?:[ \t\r][^\n]*)?"
    r"(?:\n(?:[ \t][^\n]*|#[^\n]*|---[^\n]*|-[ \r][^\n]*|\w[\w.-]*:(?:[ \t\r][^\n]*)?|\r?))*"
    r"(?:\n[\w.-]*)?\Z"  # the last line may go on after BEGINNING
)
_TEXT = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), sentence)
    for pattern, sentence in (
        (
            r".*(?:xmlns:wp=|WordPress eXtended RSS)",
            f"a WordPress export (WXR), which cannot be imported yet; {_ONLY_TEXT}",
        ),
        (r".*<disqus\s[^>]*disqus\.com", f"a Disqus export, which cannot be imported yet; {_ONLY_TEXT}"),
        (
            r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|div|p|title|meta|table)\b",
            f"an HTML page; {_ONLY_TEXT}",
        ),
        (
            r"(?:From: <Saved by |MIME-Version:|Snapshot-Content-Location:)",
            f"a web page saved as MHTML; {_ONLY_TEXT}",
        ),
        (r"<\?xml|<(?:rss|feed|rdf:RDF)\b", f"an XML file, such as a feed or an export; {_ONLY_TEXT}"),
        (r"[\[{]\s*(?:[\"\[{\]}]|$)", f"JSON, such as an export of Commento or Remark42; {_ONLY_TEXT}"),
        (r"---\s*\n(?:#[^\n]*\n\s*)*[\w-]+:", f"YAML or Markdown with a YAML header; {_ONLY_TEXT}"),
        (_COMMENTED_YAML, f"YAML; {_ONLY_TEXT}"),
        (r"#{1,6} ", f"Markdown; {_ONLY_TEXT}"),
    )
)

_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")  # characters that texts hardly contain


def identify(data: bytes) -> str | None:
    """Return a phrase that names the kind of file and says what to do, or None if it may be a saved page."""
    beginning = data[:BEGINNING]
    if not data.strip(b" \t\r\n\0\x0b\x0c\xef\xbb\xbf\xff\xfe"):
        return f"empty; {SAVE_AS_TEXT}"
    for start, phrase in _BINARY:
        if beginning.startswith(start):
            return phrase
    text = _decoded(beginning).lstrip("\ufeff \t\r\n")
    for pattern, phrase in _TEXT:
        if pattern.match(text):
            return phrase
    if "\0" in text or len(_CONTROL.findall(text)) > len(text) / 20:
        return f"binary data, not text; {SAVE_AS_TEXT}"
    return None


def _decoded(beginning: bytes) -> str:
    """Return the bytes as text: UTF-16 if they look like it, else UTF-8."""
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return beginning.decode("utf-16", errors="ignore")
    if beginning[1:2] == b"\0" and beginning[:1] != b"\0":
        return beginning.decode("utf-16-le", errors="ignore")
    if beginning[:1] == b"\0" and beginning[1:2] != b"\0":
        return beginning.decode("utf-16-be", errors="ignore")
    return beginning.decode(errors="replace")
