"""The only place where plaintext secrets are sealed and opened.

``keyring`` wraps data keys · ``crypto`` is the pure part · ``services`` hands out one :class:`Vault` per tenant ·
``spool`` keeps uploaded leaks sealed on disk until they are imported.
"""
