"""The steps from one form of the store to the next, in order. None is changed once released."""
