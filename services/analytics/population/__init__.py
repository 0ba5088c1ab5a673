"""What is known of the whole base, and the models that are fitted to it."""
