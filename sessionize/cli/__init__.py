"""The command line: parse, call one function, print the outcome."""
