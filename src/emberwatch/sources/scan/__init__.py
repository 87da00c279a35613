"""Finds watched credentials in large text at disk speed.

::

    bytes ─► blocks (whole lines) ─► prefilter (search engine, bytes around a hit) ─► line ─► its format's reader

Only lines in which something watched may stand are parsed; the rest is counted.
"""
