"""Files in and out: `tables` opens a data file of any kind, `answers` reads coded answers from it,
`downloads` writes released submissions, `codebooks` describes them."""
