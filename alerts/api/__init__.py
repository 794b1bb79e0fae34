"""
The portal for programs: the same services as its pages, by DRF, described by OpenAPI.

| module | owns |
|---|---|
| `access.py` | who calls: tokens, their scopes, the owner's role, the rate |
| `endpoint.py` | what every endpoint has in common; `errors.py` what it answers when something is wrong |
| `operation.py` | how an operation is told in the schema; `schema.py` what the schema is made of beyond |
| `asking.py` | what addresses ask, by the forms of the pages; pages of lists |
| `tell_*.py` | what is answered: one serializer for each thing |
| the others | one endpoint class for each address, by what they are about |
"""
