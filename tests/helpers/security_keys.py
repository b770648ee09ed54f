"""A virtual security key in Chromium, through its DevTools protocol."""

from playwright.sync_api import Page


def plug_in_key(page: Page, *, is_passkey: bool) -> None:
    """Give the page's browser a key that answers at once. A passkey also stores who its owner is."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal" if is_passkey else "usb",
                "hasResidentKey": is_passkey,
                "hasUserVerification": is_passkey,
                "isUserVerified": is_passkey,
                "automaticPresenceSimulation": True,
            }
        },
    )
