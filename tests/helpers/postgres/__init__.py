"""Helpers for tests that work on the database itself: its rows, locks, rights and replicas."""
