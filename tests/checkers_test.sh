#!/bin/sh
# Runs the tests of the checkers of the source tree.
exec python3 -B tests/checkers_test.py
