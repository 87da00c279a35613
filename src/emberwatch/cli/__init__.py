"""The command line. Every command parses its arguments, starts the process, calls one service and prints.

``main`` maps errors to exit codes · ``start`` brings a process up · ``output`` prints · ``records`` are the rows of
``--json`` · the other modules hold the commands. Nothing of Django is imported before a command needs it.
"""
