"""What was said in a run, counted: from a run log and its language to plain numbers.

Everything here is pure. A measure that a run leaves undefined, such as a share of nothing, is
`None`.

- `tally`: lines, characters and register hits of a set of lines
- `echo`: which of those words the agent had only just read
- `speech`: shares and ratios of what one agent, or a whole group, said
- `drift`, `home`: lines that are not in the language of their run
- `run`: one run measured, agent by agent
- `folder`: the runs of a result folder measured, by several processes where that is quicker
- `overlap`: how far the texts that agents read already use the words that are counted
- `frames`: the same as polars frames with fixed columns
"""
