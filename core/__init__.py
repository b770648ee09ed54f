"""Code that all apps share, and the version of the program."""

VERSION = "0.7"
