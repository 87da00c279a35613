"""Kinds of containers, each read as a stream of its files. Nothing is ever unpacked to a name in them."""
