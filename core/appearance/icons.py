"""The icons of the interface: drawings of 24 by 24 units, whose strokes site.css styles."""

from functools import cache

from django.utils.safestring import SafeString, mark_safe

SVG_PATHS = {
    "authors": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5"/>',
    "back": '<path d="m15 5-7 7 7 7"/>',
    "comments": '<path d="M4 5h16v11H10l-5 4v-4H4z"/>',
    "corrections": '<path d="M12 4v10m0 4v.5"/>',
    "down": '<path d="m6 9 6 6 6-6"/>',
    "editors": '<circle cx="9" cy="9" r="3.5"/><path d="M3 19c.7-3 3-4.5 6-4.5s5.3 1.5 6 4.5M16 6'
    'a3.3 3.3 0 0 1 0 6.5m2 2.5c1.7.6 2.7 2 3 4"/>',
    "follow": '<path d="M6 16V10.5a6 6 0 0 1 12 0V16l1.5 2h-15zM10 20.5h4"/>',
    "lead-image": '<path d="M4 5h16v14H4zm0 11 5-5 4 4 2-2 5 5"/><circle cx="15.5" cy="9.5" r="1.2"/>',
    "menu": '<path d="M5 7h14M5 12h14M5 17h9"/>',
    "notes": '<path d="m4 20 1-4L16.5 4.5l3 3L8 19z"/>',
    "preview": '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/>'
    '<circle cx="12" cy="12" r="2.8"/>',
    "rights": '<circle cx="8" cy="14" r="4"/><path d="m11 11 8-8m-3 3 3 3"/>',
    "saved": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "settings": '<path d="M4 7h9m4 0h3M4 17h3m4 0h9"/><circle cx="15" cy="7" r="2"/>'
    '<circle cx="9" cy="17" r="2"/>',
    "slug": '<path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 '
    '5.7 5.7l1-1"/>',
    "stage": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5.5l3.5 2"/>',
    "topics": '<path d="M6 21V4h11l-2 4 2 4H6"/>',
}


@cache
def icon(name: str) -> SafeString:
    """Return the HTML of an icon. It is decoration: a label or words beside it say what it means."""
    return mark_safe(  # noqa: S308
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{SVG_PATHS[name]}</svg>'
    )
