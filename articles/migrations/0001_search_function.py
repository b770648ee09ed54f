from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations

# The digits of all scripts are the same, and characters that nobody sees are left out. Qualified names, since a
# restored dump computes generated columns with an empty search path. Declared immutable, which generated columns
# require: Postgres calls unaccent only stable, since a changed dictionary asks for a REINDEX. Cut, since a tsvector
# holds 1 MB.
FOLD = """
CREATE FUNCTION search_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT translate(
    lower(public.unaccent('public.unaccent'::regdictionary, regexp_replace(
      normalize(left(value, 100000), NFKC),
      '[\\u00AD\\u0610-\\u061A\\u061C\\u0640\\u064B-\\u065F\\u0670'
      '\\u200B-\\u200F\\u202A-\\u202E\\u2060-\\u2069\\uFEFF]', '', 'g'))),
    'أإآٱىةؤئ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'اااايهوي01234567890123456789')
$$"""


class Migration(migrations.Migration):
    """Create search_fold, which folds text before it is searched; generated columns of the schema call it."""

    replaces = [
        ("articles", "0003_search_fold"),
    ]

    dependencies = []

    operations = [
        UnaccentExtension(),
        migrations.RunSQL(FOLD, "DROP FUNCTION search_fold(text)"),
    ]
