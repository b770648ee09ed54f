"""Counter of the clicks that a task takes in the browser."""

from playwright.sync_api import Locator, Page, expect


class ClickCounter:
    """Clicks the controls of a page and counts the clicks.

    Each click, tap or drag counts, also into a field. Typing, pasting, scrolling and the Tab key do not.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def click(self, target: Locator) -> None:
        target.click()
        self.count += 1

    def log_in(self, email: str, password: str) -> None:
        """Log in on the page for it, as with a keyboard: its first field has the focus."""
        self.page.goto("/accounts/login/")
        expect(self.page.get_by_label("E-mail")).to_be_focused()
        self.page.keyboard.type(email)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password)
        self.click(self.page.get_by_role("button", name="Log in", exact=True))
