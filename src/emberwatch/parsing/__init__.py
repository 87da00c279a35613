"""From the bytes of a leak to the credentials in it: pure, one module per format, registered by hand."""
