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
    setup        from a judge's file to a panel
    gold         the excerpts with labels that come with the kit
    drawing      which excerpts people are to rate
    labelling    the page and the spreadsheet they rate on, and what they answered
    comparison   what is held against people, another judge, or another way to ask
    calibration  how far a judge agrees with people, and whether that is enough
"""
