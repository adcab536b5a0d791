"""Autobahn's `wstest` of the folder that is the first argument (its packages need `.pth` files, which PYTHONPATH does not read)."""
import site
import sys

site.addsitedir(sys.argv.pop(1))
from autobahntestsuite import wstest

wstest.run()
