"""Confirmatory factor analysis: do the items measure the dimensions they were written for, alike in every group?"""
