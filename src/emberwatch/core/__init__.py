"""Pure building blocks that every layer may use: secrets, verdicts, errors, ids and the clock."""
