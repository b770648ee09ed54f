from django.db import migrations

# Since 0015 the rules open the pictures that they show; those that named one before are read once.
FILL = r"""
INSERT INTO articles_imageuse (image_id, site_id)
SELECT DISTINCT image.id, site.id
FROM articles_site site
CROSS JOIN LATERAL regexp_matches(site.rules, '\]\(image:([0-9]{1,9})[^0-9]', 'g') AS named
JOIN articles_image image ON image.id = named[1]::bigint
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("articles", "0019_language_of_the_stories")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
