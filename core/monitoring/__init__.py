"""What somebody who operates the site sees: metrics, ids of requests and log lines."""
