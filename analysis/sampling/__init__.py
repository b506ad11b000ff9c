"""Who is asked, how many, and what the answers stand for: planning, raking, the short form."""
