"""What a recommendation is. Knows no web, no database, no training."""
