"""The HTML report on a sessions table: figures gathered in one pass, then charts, then a page."""
