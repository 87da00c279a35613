"""Microsoft Entra ID: clouds, app-only tokens (MSAL), Graph reads, the sign-in call and what its codes mean."""
