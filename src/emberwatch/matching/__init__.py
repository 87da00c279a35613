"""Which of the monitored domains a login belongs to: pure, exact, on label boundaries."""
