"""The function with which search compares words; generated columns need it to be immutable."""

from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations

# Signs that nobody sees are left out, and digits are the same in each script. Qualified, since a restored dump
# computes generated columns with an empty search path. A dictionary that changes asks for a REINDEX, hence
# Postgres calls unaccent only stable. Cut, as a tsvector holds 1 MB.
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
    dependencies = [("articles", "0002_the_site")]

    operations = [
        UnaccentExtension(),
        migrations.RunSQL(FOLD, "DROP FUNCTION search_fold(text)"),
    ]
