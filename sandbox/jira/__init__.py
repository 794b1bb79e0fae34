"""A stand-in for Jira: a program of its own over a real socket, with its state on disk.

It answers the part of Jira's REST API that a ticketing client needs, as Cloud (v2 and v3) or as Data Center (v2), with
Jira's own error bodies, and misbehaves on request (``faults``). It imports nothing of the portal: what the portal gets
right or wrong about Jira shows here as it would on the real one. ``docs/jira-stand-in.md`` says what it covers.

``calls``       what goes in and out of a handler, and the table of routes
``site``        what an administrator would have set up: projects, types, workflows, screens, people
``store``       issues and what hangs on them, in SQLite
``jql``         the part of JQL that is understood, as SQL; ``jql_values`` what its values and functions mean
``documents``   Atlassian documents (v3): to and from text, and to HTML
``wiki``        wiki markup (v2): to text and to HTML; ``prose`` chooses between the two
``parts``       how people, statuses and the like look in an answer; ``render`` an issue with all that hangs on it
``fields``      what a client may write into an issue; ``custom`` into its custom fields
``issues``, ``workflow``, ``comments``, ``links``, ``attachments``, ``properties``, ``search``, ``screens``,
``metadata``, ``people``, ``dynamic_webhooks``   the handlers, by what they are about
``events``      what happened, as the bodies of webhooks; ``webhooks`` sends them
``browse``      the page of an issue for people
``faults``      what the next calls shall suffer, and what is the matter with the whole site
``limits``      what Jira does not let a client do at once
``jira``        authentication and the one dispatch function
``control``     ``/_sandbox/``; ``census`` what is really there
``server``      sockets
"""
