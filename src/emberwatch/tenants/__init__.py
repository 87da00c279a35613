"""Tenants (our workspaces), their monitored domains, who belongs to them, and what each role may do."""
