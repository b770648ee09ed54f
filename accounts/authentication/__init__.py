"""Sign-up and log-in: our versions of allauth's adapter and forms, and the throttling of passwords."""
