"""Servers and other processes for tests, and free ports for them."""
