"""Views of discussions: reading, writing, searching, and members' public pages."""
