"""Charts of findings, drawn by the server: the same SVG on pages and on paper, each with its words and its table."""
