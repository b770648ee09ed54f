"""The owner's side: set-up, settings, and what there is. It looks into every app, so it stands above all."""
