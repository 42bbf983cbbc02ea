"""The same examples on every run: a failure here is a change of the code, never of the dice."""

from hypothesis import settings

settings.register_profile("protocol", deadline=None, derandomize=True, max_examples=60, print_blob=True)
settings.load_profile("protocol")
