"""Mails: how they are composed, addressed to many people, sent in batches, and how failures are explained."""
