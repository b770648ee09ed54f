"""The spam filter: how probable it is that a comment is spam, why, and how often the filter is right.

Pure functions:
  classifier        features, weights, a score and its parts
  thresholds        the probabilities from which a comment is reviewed first or is marked as spam
  metrics           metrics from scores and labels
  contributions     contributions of signals over many comments, and the worst mistakes
  csv_rows          comments of a CSV file, for the commands

With the site's data:
  examples          past decisions as training examples
  active_model      the active version, loaded once in each process
  training          training, evaluation and activation of versions
  versions          activation as an action with Undo

Used by the rest of moderation:
  scoring           scores a submission; moderation.policy and moderation.screening call it
  stored_scores     the parts of a stored score, for the card of a comment
  page, forms, views  the page of the filter
  explanations      texts about scores and signals
"""
