"""Every figure of the report as files: SVG, PNG and the tidy table behind them.

- `figure`: what a figure is: name, title, description in words, table, and how it is drawn
- `fonts`: fonts that cover a text, found among those installed
- `style`: colours, sizes, and settings that no settings file of the user can change
- `dose_response`, `forest`, `culture`, `carriers`, `models`, `multiverse`, `judges`, `legality`:
  one kind of figure each: ``figures`` takes its numbers from an analysis, ``draw`` draws its table
- `files`: all of them, written to a folder

Nothing here computes a statistic, and a drawing sees its table alone: what a CSV file holds is
enough to draw the figure again.
"""
