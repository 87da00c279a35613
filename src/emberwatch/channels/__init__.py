"""Adapters to what alerts are sent through: mail, chat, webhooks, SIEMs and ticket systems. They know no database."""
