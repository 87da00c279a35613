"""Views are three lines of intent: who may, one call of a service, a page."""
