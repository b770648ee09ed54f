"""Following discussions, topics and corrections: what is new, and the mails about it."""
