"""The record of each request, and the page that Prometheus reads."""
