"""Metrics, ids of requests and log lines, for the operators of the site."""
