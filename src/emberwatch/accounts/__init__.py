"""People who use Emberwatch, how they sign in, and the actor on whose behalf something is done."""
