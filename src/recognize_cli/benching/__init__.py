"""How fast recognizers are here: their models alone, whole scans, and how near these come to the floor.

A photo costs its decoding and its way through the model; no scan is faster than cores ÷ (decoding + model),
both in CPU seconds on one thread. All figures of a recognizer are medians of at least `clock.REPETITIONS`
repetitions in one run, after a first one that does not count. Seconds belong to the machine and to what else
it does at the time; ratios within one run say more.
"""
