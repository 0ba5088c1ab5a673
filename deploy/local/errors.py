"""What can go wrong with a local deployment, said to the person who asked for it."""


class LocalError(Exception):
    """The message is a sentence: what is wrong, and what to do."""
