"""A local language model judges transcripts, blind to the condition; and how far to trust it.

::

    excerpt      what a judge is shown of a run: windows, shuffled names, no condition
    scale        one question: its text, its answer form and its parser
    question     everything a judge is asked about one excerpt
    panel        which judge, in how many orders, wordings and repeats, with which model
    records      what a judgement log holds
    log          judgement logs onto disk and back
    folder       where they lie in a result folder
    judging      asking the engine, batch by batch
    scores       from answers to numbers, with the unscored ones counted
    gold         the excerpts with labels that come with the kit
    labelling    a sample for human raters, and what they answered
    calibration  how far a judge agrees with raters
"""
