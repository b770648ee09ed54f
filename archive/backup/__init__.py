"""Back up the whole site into one file, and restore it.

The file is a zip with three kinds of members: `tables/<name>.copy` (the rows of a table in Postgres' COPY
format, UTF-8), `media/<path>` (the files of the data folder's media/) and, last, `manifest.json`: the format
version, the time of the backup, the applied migrations, the counts, and the size and SHA-256 of each member.
The zip comment ends with the SHA-256 of all bytes before that digest, so any changed bit is noticed.

The file holds rows and no SQL statements. Tables, triggers and rights come from the program's own migrations,
so a file from elsewhere contains nothing that Postgres would execute. What is left out: the tables of
EXCLUDED_TABLES, and of the data folder all but media/, such as the secret key.
"""
