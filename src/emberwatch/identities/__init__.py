"""The accounts of connected directories, as far as Emberwatch has met them."""
