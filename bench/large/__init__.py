"""Measure one database with many comments, compared with the same site when it had few."""
