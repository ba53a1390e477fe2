"""Notifications: what matters, as signed webhooks; never in a tick's way."""
