from django.db import migrations

# As in 0001_search_function, and of Arabic words: without the article, also after "and", "like", "in" or "for", if three
# letters are left; with one form for the spellings of a hamza before a long u and after a long i; and with a dotted
# ya for one without dots, as unaccent has it in newer versions of Postgres.
FOLD = """
CREATE OR REPLACE FUNCTION search_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT regexp_replace(translate(
    lower(public.unaccent('public.unaccent'::regdictionary, replace(replace(regexp_replace(
      normalize(left(value, 100000), NFKC),
      '[\\u00AD\\u0610-\\u061A\\u061C\\u0640\\u064B-\\u065F\\u0670'
      '\\u200B-\\u200F\\u202A-\\u202E\\u2060-\\u2069\\uFEFF]', '', 'g'), 'ئو', 'وو'), 'يء', 'ي'))),
    'أإآٱىةؤئ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'اااايهوي01234567890123456789'),
    '(?<![\\u0621-\\u064A])[وف]?(?:[بك]?ال|لل)(?=[\\u0621-\\u064A]{3})', '', 'g')
$$"""
# Computes the generated column again. It does not change in stories without Arabic letters.
REBUILD_VECTORS = (
    "UPDATE articles_article SET title = title WHERE concat(title, standfirst, body) ~ '[\\u0621-\\u064A]'"
)


class Migration(migrations.Migration):
    """Let a search find Arabic words with and without the article, and in both spellings of some hamzas."""

    dependencies = [
        ("articles", "0029_recipient_failure"),
    ]

    operations = [
        migrations.RunSQL(FOLD, migrations.RunSQL.noop),
        migrations.RunSQL(REBUILD_VECTORS, migrations.RunSQL.noop),
    ]
