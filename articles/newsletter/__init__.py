"""The newsletter: subscriptions by e-mail, and the mails in which editors send stories to subscribers."""
