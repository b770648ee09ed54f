"""The filter: how probable it is that a comment is spam, why, and whether it was right.

Pure, without database and clock: reading and lists (a comment, and words), signals and here (what speaks for
and against it), learner, lines, measure, voices, rows. Of the site: known (what it knows), decisions (what
people said), live (the version in force), versions, training. Upon these: posting (a draft), again (a card),
page and say (a person reads it). moderation.policy and moderation.screening ask posting.
"""
