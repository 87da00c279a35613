"""Measured figures, each beside a peer or a limit of the same run. ``make bench`` runs them all."""
