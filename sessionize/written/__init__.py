"""Sessions tables that were written, opened again: files, folders by date, data frames."""
