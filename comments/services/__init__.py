"""Operations that write discussions. Each is one transaction that starts by locking the Discussion.

Only these modules write comments, their counters and their log, except for the job in comments/tasks.py that
counts recommendations. Jobs are enqueued in the transaction that causes them, so that neither is stored
without the other. Texts are checked and rendered before the lock is taken.
"""
