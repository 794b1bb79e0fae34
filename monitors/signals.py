"""
What monitors asks of whoever receives envelopes, without importing it. Exactly one receiver is connected to each (alerts).

`webhook_token_wanted`: a channel is about to be written; the receiver mints a token and returns it.
`webhook_token_shown`: `token` was read in a channel; the receiver returns whether it would be let in.
`job_wanted`: `job`, the id of a Backtest or Survey (the sender), waits for a worker; the receiver, who knows what is judged and what
is new for a user, wakes one.
"""

from django.dispatch import Signal

webhook_token_wanted = Signal()
webhook_token_shown = Signal()
job_wanted = Signal()
