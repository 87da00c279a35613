"""Telling people and systems what happened: facts are gathered by rules, put into messages, and delivered."""
