"""Stories for programs: feeds, sitemaps and oEmbed."""
