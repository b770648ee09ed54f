"""The checks: all that Soundoff looks for in a comment, each with its texts for every page.

  results    the result of a check, before it is stored as a Finding
  base       the class Check, and the facts that a check may use
  author, discussion, rules, text, harm, signals, spam
             the checks, by what they look at
  registry   the ordered list of all checks; cards, notices, dashboard, filters and log ask it

No other module names a check by a string: it asks the registry, or imports the check.
"""
