"""The whole site in one file, and the way back.

The file is a zip of `tables/<name>.copy` (the rows of a table as Postgres copies them, in UTF-8),
`media/<path>` (files of the data folder's media/, which are named by what is in them) and, last,
`manifest.json`: the format's version, when it was taken, the migrations of the database, the numbers of rows
and files, and of each part its size and SHA-256. The comment of the zip ends with the SHA-256 of every byte
before that sum, so that no bit of the file can change unnoticed.

It holds rows and no statement: a table, a trigger or a right comes from the program's own migrations, so that
a file from elsewhere brings nothing that Postgres would run. Sessions stay out of it, as does the secret key.
"""
