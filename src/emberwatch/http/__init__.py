"""The only place that builds HTTP clients: time limits, proxy, trusted authorities, private-address guard, dry run."""
