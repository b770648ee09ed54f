"""The filter: how probable it is that a comment is spam, why, and whether it was right.

said, reading, signals, learner, lines and measure are pure; live, versions and training know the database.
"""
