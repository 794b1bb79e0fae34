"""How fast the catalogue is at size. It is no part of CI: `make bench`, or `python -m bench --quick`."""
