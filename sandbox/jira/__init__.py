"""A stand-in for Jira: a program of its own over a real socket, with its state on disk.

It answers the part of Jira's REST API that a ticketing client needs, as Cloud (v2 and v3) or as Data Center (v2), with
Jira's own error bodies, and misbehaves on request (``faults``). It imports nothing of the portal: what the portal gets
right or wrong about Jira shows here as it would on the real one. ``docs/jira-stand-in.md`` says what it covers.

``calls``       what goes in and out of a handler, and the table of routes
``site``        what an administrator would have set up: projects, types, workflow, screens, people
``store``       issues and what hangs on them, in SQLite
``jql``         the part of JQL that is understood, as SQL
``documents``   Atlassian documents (v3): to and from text, and to HTML
``wiki``        wiki markup (v2): to text and to HTML
``parts``       how people, statuses and the like look in an answer
``fields``      what a client may write into an issue
``issues``, ``attached``, ``search``, ``metadata``   the handlers, by what they are about
``browse``      the page of an issue for people
``faults``      what the next calls shall suffer
``server``      sockets, authentication, the one dispatch function, the request log and ``/_sandbox/``
"""
