"""Ticketing among faults: real worker processes that are killed, over real sockets, against a Jira that fails."""
