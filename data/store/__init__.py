"""The durable truth of what arrives while serving: a log of changes and the tables it yields."""

STORE = "belong.sqlite3"
"""The store's file in the bundles folder, unless another is named."""
