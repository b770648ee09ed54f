"""The filter: how probable it is that a comment is spam, why, and whether it was right.

Pure, without database and clock:
  reading     a comment, normalised and cut into words, beside its article
  lists       single words, by what they tell
  phrases     regular expressions of turns of phrase, names and links
  signals     what speaks for and against a comment, and what each signal weighs at the start
  learner     the model: features, weights, a score and its parts
  lines       from which probability on a comment waits
  measure     figures, from scores and labels
  voices      what had a part in many scores, and where a version was most wrong
  rows        comments of a CSV file, for the commands

Of the site:
  known       what it knows of a comment, beside its words
  here        signals that it alone can give
  decisions   what people decided, as examples
  live        the version in force, in each process
  training    how a version comes into being and goes live
  versions    which one is in force, as acts with their Undo

Upon these:
  posting     a draft before the filter; moderation.policy and moderation.screening ask it
  again       the parts of a score, for the card of a comment
  page        the page of the filter
  say         all of it in words
"""
