"""From a leaked credential to a verdict: triage (pure) → budget (pure) → reserve → one sign-in → evidence."""
