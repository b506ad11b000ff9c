"""What is asked and what was answered: questionnaire -> form -> coding -> tables -> store.

The first three are pure: they know no database and no web.  `exchange` reads and writes files,
`simulate` invents campaigns with planted defects.
"""
