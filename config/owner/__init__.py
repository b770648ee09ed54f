"""Pages for administrators: set-up, settings, test e-mail and system status. They read all apps."""
