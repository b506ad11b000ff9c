"""The byte codes of a closed answer, shared by storage, files and the score matrix.

A scale point is stored as ``point - min + 1``, an option as its place from 1, points of a
constant sum as ``points + 1``; so 0 is left for a blank and the codes above 250 for the rest.
"""

BLANK = 0
NOT_ASKED = 253
DO_NOT_KNOW = 254
NOT_APPLICABLE = 255
HIGHEST_ANSWER = 250
