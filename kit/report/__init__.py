"""One HTML page for a study's results: no request, no script, the same bytes for the same logs.

- `numbers`: numbers as text
- `grid`: tables as plain rows of text, for the page and for the terminal
- `cautions`: what a reader must know before any number
- `claims`, `effects`, `across`, `background`: the page's tables
- `figure`: dose-response panels as SVG
- `curve`: specification curves, where a multiverse was computed
- `excerpts`: a few lines of what was said
- `page`: all of it as HTML
"""
