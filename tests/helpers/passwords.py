"""The password hasher of the tests."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class LightArgon2PasswordHasher(Argon2PasswordHasher):
    """The site's hasher with the least memory: a password takes less than 1 ms instead of 50."""

    time_cost = 1
    memory_cost = 8  # KiB
    parallelism = 1
