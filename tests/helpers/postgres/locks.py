"""Check of the order in which a transaction takes locks."""

from django.test.utils import CaptureQueriesContext


def site_is_locked_first(queries: CaptureQueriesContext) -> bool:
    """Return whether the row of the site is written before the redirects are locked. Both must happen."""
    statements = [query["sql"] for query in queries]
    site = next(n for n, sql in enumerate(statements) if sql.startswith('UPDATE "articles_site"'))
    redirects = next(n for n, sql in enumerate(statements) if "'articles.redirects'" in sql)
    return site < redirects
