"""Numbers about the answers: matrix -> tally -> statistics -> defects -> figures -> report.

Arrays in, frozen results out; nothing here reads a file, opens a database or rounds.
"""
