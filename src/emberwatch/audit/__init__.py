"""The hash-chained record of every write, reveal and attempt, one chain a tenant and one for the organisation."""
