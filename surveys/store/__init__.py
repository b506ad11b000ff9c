"""Every query and every write, one module a subject.

`database` opens the database; `publish` brings surveys and links; `collect` takes answers in, releases and withdraws
them; `read` gives released answers as arrays; `people` knows who may sign in.
"""
