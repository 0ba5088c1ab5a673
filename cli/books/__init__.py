"""The books: what was received, decided, published and shown, read from where it is kept and compared."""
