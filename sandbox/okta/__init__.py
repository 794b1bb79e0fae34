"""Okta System Log traffic with attacks in it, and the truth about them.

Everything is invented: people of example.com, addresses that no network routes. All of it derives from a seed and a
run: the same inputs give the same bytes, another run gives other people and addresses. ``docs/okta-traffic.md`` says
what happens in it.

``places``     cities, networks, browsers and phones
``people``     who works here, with names that break careless pages
``events``     one method for each thing that Okta logs, on Classic and on Identity Engine
``everyday``   what happens when nothing happens
``lookalikes`` what comes close to an attack and is none
``attacks``    one story a family, with what has to be found
``traffic``    all of it for a span of time: ``plan``
``play``       into an index: the past at once, the rest as it happens
"""
