"""Who may be shown. A policy answers per candidate and fails closed."""
