"""Every query and every write, one module a subject.

`database` opens the database; `publish` brings surveys and links; `collect` takes answers in and, to whoever holds the
receipt, shows them and takes them back; `releases` moves them into the report; `read` gives released answers as arrays;
`people` knows who may sign in.
"""
